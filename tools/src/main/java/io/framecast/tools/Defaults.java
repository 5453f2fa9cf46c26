package io.framecast.tools;

import io.framecast.device.DeviceSettings;
import io.framecast.train.TrainingSettings;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Takes the default values of options from the engine. Options that exist in the command line only have their defaults
 * in their annotation.
 */
final class Defaults implements IDefaultValueProvider {

    private final Map<String, String> ofDevices = new HashMap<>();
    private final Map<String, String> ofTraining = new HashMap<>();

    Defaults() {
        DeviceSettings device = DeviceSettings.DEFAULT;
        ofDevices.put("--device", word(device.device()));
        ofDevices.put("--precision", word(device.precision()));
        ofDevices.put("--conv", word(device.convolutions()));
        ofDevices.put("--threads", Integer.toString(device.threads()));
        TrainingSettings training = TrainingSettings.builder().build();
        ofTraining.put("--batch-size", Integer.toString(training.batchSize()));
        ofTraining.put("--optimizer", word(training.optimizer()));
        ofTraining.put("--lr", Double.toString(training.learningRate()));
        ofTraining.put("--lr-schedule", word(training.schedule()));
        ofTraining.put("--scheduled-sampling", training.sampling().isOn()
                ? training.sampling().from() + ".." + training.sampling().to() : "1");
        ofTraining.put("--loss-frames", word(training.lossFrames()));
        ofTraining.put("--seed", Long.toString(training.seed()));
        ofTraining.put("--loss", word(training.loss()));
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public String defaultValue(ArgSpec arg) {
        if (!(arg instanceof OptionSpec option)) {
            return null;
        }
        boolean trains = arg.command().userObject() instanceof TrainCommand;
        String name = option.longestName();
        return trains && ofTraining.containsKey(name) ? ofTraining.get(name) : ofDevices.get(name);
    }
}
