package io.framecast.tools.render;

import java.util.Locale;

/** A line chart as an SVG element for the report; the report's style sheet gives the colours. */
final class SvgChart implements LineChart.Surface {

    private final StringBuilder svg = new StringBuilder();

    private SvgChart() {
    }

    static String of(LineChart chart) {
        SvgChart surface = new SvgChart();
        surface.svg.append("<svg class=\"chart\" viewBox=\"0 0 " + LineChart.WIDTH + " " + LineChart.HEIGHT
                + "\" role=\"img\" aria-label=\"" + Html.escape(chart.title()) + "\">\n");
        chart.draw(surface);
        return surface.svg.append("</svg>\n").toString();
    }

    @Override
    public void line(double x1, double y1, double x2, double y2, LineChart.Ink ink) {
        add("<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", name(ink), x1, y1, x2, y2);
    }

    @Override
    public void text(String text, double x, double baseline, LineChart.Align align, LineChart.Ink ink) {
        String anchor = switch (align) {
            case LEFT -> "start";
            case CENTRE -> "middle";
            case RIGHT -> "end";
        };
        add("<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", name(ink), x, baseline, anchor,
                Html.escape(text));
    }

    @Override
    public void curve(double[] x, double[] y, int index) {
        add("<polyline class=\"curve series%d\" points=\"", index);
        for (int i = 0; i < x.length; i++) {
            add(i == 0 ? "%.1f,%.1f" : " %.1f,%.1f", x[i], y[i]);
        }
        svg.append("\"/>\n");
    }

    @Override
    public void dot(double x, double y, int index, String meaning) {
        add("<circle class=\"dot series%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"><title>%s</title></circle>\n",
                index, x, y, Html.escape(meaning));
    }

    private static String name(LineChart.Ink ink) {
        return ink.name().toLowerCase(Locale.ROOT);
    }

    private void add(String format, Object... values) {
        svg.append(String.format(Locale.ROOT, format, values));
    }
}
