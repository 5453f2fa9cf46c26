package io.framecast.softgpu;

import io.framecast.backend.TestDevice;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Gives the software device its settings of before a test class back when the class ends, so that no class runs on what
 * another one has set, whatever their order. JUnit applies it to all classes. The class fails if it leaves a context,
 * without which compute capability and memory could be set.
 */
public final class SettingsKept implements BeforeAllCallback, AfterAllCallback {

    private static final ExtensionContext.Namespace HERE = ExtensionContext.Namespace.create(SettingsKept.class);

    @Override
    public void beforeAll(ExtensionContext context) {
        if (TestDevice.SOFTWARE) {
            context.getStore(HERE).put(context.getUniqueId(), SoftGpu.options());
        }
    }

    @Override
    public void afterAll(ExtensionContext context) {
        if (TestDevice.SOFTWARE) {
            SoftGpu.configure(context.getStore(HERE).get(context.getUniqueId(), String.class));
        }
    }
}
