package io.framecast.tools;

import picocli.CommandLine.Command;

@Command(name = "devices", description = "Shows what can be used here, and why the rest cannot.")
final class DevicesCommand implements Runnable {

    @Override
    public void run() {
        Devices.describe().forEach(System.out::println);
    }
}
