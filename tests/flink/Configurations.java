import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;

/**
 * Reads a {@code config.yaml} as Flink does: each line on standard input is its text in hexadecimal digits. The answer is a
 * line of its own: {@code read} with the options, sorted, as {@code key=value} in such digits, or {@code refused} with the
 * exceptions.
 */
public class Configurations {
    public static void main(String[] args) throws Exception {
        Path directory = Files.createTempDirectory("configuration");
        Path file = directory.resolve("config.yaml");
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            Files.write(file, unhex(line));
            System.out.println(answer(directory));
        }
        Files.delete(file);
        Files.delete(directory);
    }

    private static String answer(Path directory) {
        try {
            Configuration configuration = GlobalConfiguration.loadConfiguration(directory.toString());
            StringBuilder answer = new StringBuilder("read");
            for (Map.Entry<String, String> option : new TreeMap<>(configuration.toMap()).entrySet()) {
                answer.append(' ').append(hex(option.getKey() + "=" + option.getValue()));
            }
            return answer.toString();
        } catch (Throwable thrown) {
            StringBuilder answer = new StringBuilder("refused");
            for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
                answer.append(' ').append(String.valueOf(cause.getMessage()).replaceAll("\\s+", " ")).append(';');
            }
            return answer.toString();
        }
    }

    private static byte[] unhex(String digits) {
        byte[] bytes = new byte[digits.length() / 2];
        for (int index = 0; index < bytes.length; index++) {
            bytes[index] = (byte) Integer.parseInt(digits.substring(2 * index, 2 * index + 2), 16);
        }
        return bytes;
    }

    private static String hex(String text) {
        StringBuilder digits = new StringBuilder();
        for (byte value : text.getBytes(StandardCharsets.UTF_8)) {
            digits.append(String.format("%02x", value));
        }
        return digits.toString();
    }
}
