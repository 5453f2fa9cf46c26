/** The command line. */
module io.framecast.tools {
    requires io.framecast;
    requires com.squareup.gifencoder;
    requires info.picocli;
    requires jdk.unsupported;
    requires me.tongfei.progressbar;

    // picocli sets the fields of commands, and Jackson ... 
    opens io.framecast.tools to info.picocli;
}
