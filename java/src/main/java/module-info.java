/** The engine: trains ConvLSTM networks on videos, and forecasts frames with them. */
@SuppressWarnings({
    "module", // io.framecast.tools is compiled after this module.
    "requires-automatic" // JCuda has no other modules.
})
module io.framecast {
    requires transitive io.framecast.natives;
    requires transitive com.fasterxml.jackson.databind;
    requires transitive java.desktop;
    requires java.net.http;
    requires org.apache.commons.compress;
    requires org.bytedeco.ffmpeg;
    requires org.bytedeco.javacpp;
    requires org.tukaani.xz;
    // Automatic modules, named after their files. Since one is required, all automatic modules of the module path are
    // resolved with it: those of JCuda's shared libraries, and the CUDA sources, io.framecast.kernels.
    requires jcuda;
    requires jcublas;
    requires jcudnn;
    requires io.jhdf;

    exports io.framecast.backend;
    exports io.framecast.data;
    exports io.framecast.distributed;
    exports io.framecast.device;
    exports io.framecast.keras;
    exports io.framecast.nn;
    exports io.framecast.predict;
    exports io.framecast.train;
    exports io.framecast.video;

    exports io.framecast.device.bundle to io.framecast.tools;
    exports io.framecast.device.sampling to io.framecast.tools;
    exports io.framecast.files to io.framecast.tools;
}
