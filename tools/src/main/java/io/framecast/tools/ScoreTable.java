package io.framecast.tools;

import io.framecast.predict.ForecastScores.Result;
import io.framecast.predict.Forecaster;
import io.framecast.text.Count;
import io.framecast.tools.render.Scores;
import java.util.Locale;

/** Scores as text for a terminal. */
final class ScoreTable {

    private ScoreTable() {
    }

    static String of(Forecaster.Evaluation evaluation) {
        Result model = evaluation.model();
        Result baseline = evaluation.baseline();
        StringBuilder text = new StringBuilder();
        text.append(String.format(Locale.ROOT, "%s, %s seen, %d predicted%n", Count.of(model.videos(), "video"),
                Count.of(evaluation.context(), "frame"), evaluation.frames()));
        text.append(String.format("%-5s%34s %34s%n", "", "model", "repeat the last frame"));
        text.append(line("frame", "MSE", "MAE", "PSNR", "SSIM", "MSE", "MAE", "PSNR", "SSIM"));
        for (int frame = 0; frame < evaluation.frames(); frame++) {
            text.append(row(Integer.toString(frame + 1), model.mse().perFrame()[frame], model.mae().perFrame()[frame],
                    model.psnr().perFrame()[frame], model.ssim().perFrame()[frame], baseline.mse().perFrame()[frame],
                    baseline.mae().perFrame()[frame], baseline.psnr().perFrame()[frame],
                    baseline.ssim().perFrame()[frame]));
        }
        text.append(row("mean", model.mse().mean(), model.mae().mean(), model.psnr().mean(), model.ssim().mean(),
                baseline.mse().mean(), baseline.mae().mean(), baseline.psnr().mean(), baseline.ssim().mean()));
        text.append(String.format("The mean MSE is %s.%n",
                Scores.beside(model.mse(), baseline.mse(), "repeating the last frame")));
        return text.toString();
    }

    private static String row(String name, double mse, double mae, double psnr, double ssim, double baselineMse,
            double baselineMae, double baselinePsnr, double baselineSsim) {
        return line(name, number(mse, 2, 8), number(mae, 2, 8), number(psnr, 2, 7), number(ssim, 3, 7),
                number(baselineMse, 2, 8), number(baselineMae, 2, 8), number(baselinePsnr, 2, 7),
                number(baselineSsim, 3, 7));
    }

    /** One row, 74 columns wide; wider if the frame's number is longer than the heading. */
    private static String line(Object... columns) {
        return String.format("%-5s %8s %8s %7s %7s  %8s %8s %7s %7s%n", columns);
    }

    /** A number with {@code decimals} decimals if that fits the width, else in scientific notation, as 1.2e+10. */
    static String number(double value, int decimals, int width) {
        if (!Double.isFinite(value)) {
            return Double.isNaN(value) ? "NaN" : value > 0 ? "inf" : "-inf";
        }
        String text = String.format(Locale.ROOT, "%." + decimals + "f", value);
        for (int digits = 2; text.length() > width && digits >= 0; digits--) {
            text = String.format(Locale.ROOT, "%." + digits + "e", value);
        }
        return text;
    }
}
