import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.entrypoint.ClusterConfiguration;
import org.apache.flink.runtime.entrypoint.ClusterConfigurationParserFactory;
import org.apache.flink.runtime.entrypoint.ClusterEntrypoint;
import org.apache.flink.runtime.entrypoint.EntrypointClusterConfiguration;
import org.apache.flink.runtime.entrypoint.EntrypointClusterConfigurationParserFactory;
import org.apache.flink.runtime.entrypoint.parser.CommandLineParser;
import org.apache.flink.runtime.entrypoint.parser.ParserResultFactory;
import org.apache.flink.runtime.taskexecutor.TaskManagerRunner;

/**
 * Says what Flink's entry points make of their command lines. Each line on standard input is a class and its arguments, each
 * in hexadecimal digits, with {@code -} for an empty one; the answer is a line of its own: {@code set:} for each option with
 * its value behind a NUL, {@code program:} for each argument of the program, {@code job:} for the job's id, or {@code refused:} with the
 * exceptions.
 */
public class EntryPoints {
    public static void main(String[] args) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = Arrays.stream(line.split(" ")).map(EntryPoints::unhex).toArray(String[]::new);
            System.out.println("answer " + answer(words[0], Arrays.copyOfRange(words, 1, words.length)));
        }
    }

    private static String answer(String name, String[] args) {
        StringBuilder answer = new StringBuilder();
        try {
            Class<?> entryPoint = Class.forName(name);
            Configuration configuration;
            ClusterConfiguration parsed;
            if (entryPoint == TaskManagerRunner.class) {
                parsed = parse(new ClusterConfigurationParserFactory(), args);
                configuration = TaskManagerRunner.loadConfiguration(args);
            } else if (name.endsWith(".StandaloneSessionClusterEntrypoint")) {
                parsed = parse(new EntrypointClusterConfigurationParserFactory(), args);
                configuration = load(ClusterEntrypoint.class, "loadConfiguration", parsed);
            } else {
                // Its factory is public, and what that makes is not.
                String factory = entryPoint.getPackage().getName() + ".StandaloneApplicationClusterConfigurationParserFactory";
                parsed = parse((ParserResultFactory<?>) Class.forName(factory).getDeclaredConstructor().newInstance(), args);
                configuration = load(entryPoint, "loadConfigurationFromClusterConfig", parsed);
                Method id = parsed.getClass().getDeclaredMethod("getJobId");
                id.setAccessible(true);
                append(answer, "job:", String.valueOf(id.invoke(parsed)));
            }
            for (String argument : parsed.getArgs()) {
                append(answer, "program:", argument);
            }
            for (Map.Entry<String, String> option : new TreeMap<>(configuration.toMap()).entrySet()) {
                append(answer, "set:", option.getKey() + '\0' + option.getValue());
            }
        } catch (Throwable thrown) {
            answer.setLength(0);
            for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
                append(answer, "refused:", cause.toString());
            }
        }
        return answer.toString();
    }

    private static ClusterConfiguration parse(ParserResultFactory<?> factory, String[] args) throws Exception {
        return (ClusterConfiguration) new CommandLineParser<>(factory).parse(args);
    }

    private static Configuration load(Class<?> entryPoint, String name, ClusterConfiguration parsed) throws Exception {
        for (Method method : entryPoint.getDeclaredMethods()) {
            Class<?>[] parameters = method.getParameterTypes();
            if (method.getName().equals(name) && parameters.length == 1
                    && parameters[0].isAssignableFrom(parsed.getClass())
                    && EntrypointClusterConfiguration.class.isAssignableFrom(parameters[0])) {
                method.setAccessible(true);
                return (Configuration) method.invoke(null, parsed);
            }
        }
        throw new NoSuchMethodException(entryPoint + "." + name);
    }

    private static void append(StringBuilder answer, String kind, String text) {
        answer.append(kind);
        for (byte value : text.getBytes(StandardCharsets.UTF_8)) {
            answer.append(String.format("%02x", value));
        }
        answer.append(' ');
    }

    private static String unhex(String digits) {
        byte[] bytes = new byte[digits.equals("-") ? 0 : digits.length() / 2];
        for (int index = 0; index < bytes.length; index++) {
            bytes[index] = (byte) Integer.parseInt(digits.substring(2 * index, 2 * index + 2), 16);
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
