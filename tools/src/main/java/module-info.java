/** The command line. */
module io.framecast.tools {
    requires io.framecast;
    requires com.squareup.gifencoder;
    requires info.picocli;
    requires jdk.unsupported;
    requires me.tongfei.progressbar;

    // The comparison with PyTorch, if it is on the path.
    uses io.framecast.tools.bench.Peer;

    // picocli sets the fields of commands.
    opens io.framecast.tools to info.picocli;

    // Jackson reads what a stage of a check has found.
    opens io.framecast.tools.check.stage to com.fasterxml.jackson.databind;
}
