package io.framecast.tools.option;

import io.framecast.FramecastException;
import io.framecast.keras.KerasReader;
import io.framecast.tools.terminal.Terminal;
import io.framecast.train.Checkpoint;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What options for a checkpoint take: a file, or the name of a trained model that comes with the program. Such a name
 * wins over a file of the same name in the current directory, as with {@code --model}; a path with a slash is a file.
 */
public final class CheckpointName {

    /** The description of an option for a checkpoint to forecast with. */
    public static final String MODEL = "The model: a checkpoint, a model of Keras (.keras, .h5), or moving-mnist, the "
            + "trained model that comes with Framecast.";

    private CheckpointName() {
    }

    /** The file; null where the option names a trained model. */
    public static Path file(Path given) {
        return given == null || Checkpoint.PRETRAINED.contains(given.toString()) ? null : given;
    }

    /** @throws FramecastException if there is no such file or model, or the file is not a checkpoint */
    public static Checkpoint read(Path given) {
        Path file = file(given);
        if (file == null) {
            if (Files.exists(given)) {
                Terminal.note(given + " is taken for the trained model that comes with Framecast, not for the file; "
                        + "for the file, say ./" + given + ".");
            }
            return Checkpoint.pretrained(given.toString());
        }
        if (file.getParent() == null && !Files.exists(file)) {
            throw new FramecastException("There is no checkpoint " + file + ", neither a file nor a trained model that "
                    + "comes with Framecast: " + String.join(", ", Checkpoint.PRETRAINED) + ".");
        }
        if (!KerasReader.isKeras(file)) {
            return Checkpoint.read(file);
        }
        KerasReader.Imported imported = KerasReader.read(file, null);
        imported.notes().forEach(Terminal::note);
        return imported.checkpoint();
    }
}
