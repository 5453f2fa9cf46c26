/**
 * The errors of Framecast, {@link io.framecast}, and its native code. The other packages are for Framecast's own
 * modules.
 */
@SuppressWarnings("module") // The modules that packages are exported to are compiled after this one.
module io.framecast.natives {
    requires org.bytedeco.javacpp;
    // Resources only: the shared libraries of JavaCPP and oneDNN.
    requires org.bytedeco.javacpp.linux.x86_64;
    requires org.bytedeco.dnnl.linux.x86_64;

    exports io.framecast;
    exports io.framecast.cpu to io.framecast;
    exports io.framecast.mpi to io.framecast;
    exports io.framecast.nccl to io.framecast;
    exports io.framecast.nvrtc to io.framecast;
    exports io.framecast.softgpu to io.framecast;
    exports io.framecast.system to io.framecast, io.framecast.tools;
    exports io.framecast.text to io.framecast, io.framecast.tools;
}
