import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.SecurityOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.configuration.WebOptions;
import org.apache.flink.container.entrypoint.StandaloneApplicationClusterConfigurationParserFactory;
import org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.UnsupportedFileSystemSchemeException;
import org.apache.flink.kubernetes.configuration.KubernetesConfigOptions;
import org.apache.flink.kubernetes.configuration.KubernetesHighAvailabilityOptions;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessUtils;
import org.apache.flink.runtime.entrypoint.ClusterConfiguration;
import org.apache.flink.runtime.entrypoint.ClusterConfigurationParserFactory;
import org.apache.flink.runtime.entrypoint.ClusterEntrypoint;
import org.apache.flink.runtime.entrypoint.EntrypointClusterConfiguration;
import org.apache.flink.runtime.entrypoint.EntrypointClusterConfigurationParserFactory;
import org.apache.flink.runtime.entrypoint.parser.CommandLineParser;
import org.apache.flink.runtime.highavailability.HighAvailabilityServicesUtils;
import org.apache.flink.runtime.jobmanager.HighAvailabilityMode;
import org.apache.flink.runtime.jobmanager.JobManagerProcessUtils;
import org.apache.flink.runtime.state.CheckpointStorageLoader;
import org.apache.flink.runtime.state.StateBackend;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.runtime.state.storage.FileSystemCheckpointStorage;
import org.apache.flink.runtime.taskexecutor.TaskManagerRunner;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers what Flink's own classes make of a configuration directory and a command line. Each line on standard input is a
 * case, {@code {"role": "session", "files": {"config.yaml": "a: 1"}, "args": ["-D", "b=2"]}}, with the words as the start
 * script hands them to the entry point, but for the configuration directory. The line on standard output is
 * {@code {"map": {...}, "programArgs": [...], "effective": {...}}}, or {@code {"refused": "arguments", "error": "..."}} with
 * the step that throws. Compiles against the flink-dist of every version from 1.13 to 2.3.
 */
public class Oracle {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Logger LOG = LoggerFactory.getLogger(Oracle.class);

    public static void main(String[] arguments) throws Exception {
        PrintStream output = new PrintStream(System.out, true, "UTF-8");
        System.setOut(System.err);
        Path directory = Files.createDirectories(Path.of(arguments[0]));
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            output.println(JSON.writeValueAsString(answer(JSON.readTree(line), directory)));
        }
    }

    private static ObjectNode answer(JsonNode question, Path directory) throws Exception {
        ObjectNode answer = JSON.createObjectNode();
        for (String name : new String[] {"flink-conf.yaml", "config.yaml"}) {
            JsonNode text = question.path("files").get(name);
            if (text == null) {
                Files.deleteIfExists(directory.resolve(name));
            } else {
                Files.write(directory.resolve(name), text.asText().getBytes(StandardCharsets.UTF_8));
            }
        }
        List<String> words = new ArrayList<>(Arrays.asList("--configDir", directory.toString()));
        question.path("args").forEach(word -> words.add(word.asText()));
        String[] args = words.toArray(new String[0]);
        String step = "arguments";
        try {
            // Of 1.19 and 1.20 the file that was read last decides what a Configuration does, so all begin alike.
            reset();
            boolean isTaskManager = question.path("role").asText().equals("taskmanager");
            boolean isApplication = question.path("role").asText().equals("application");
            ClusterConfiguration parsed = parse(args, isTaskManager, isApplication);
            step = "configuration";
            Configuration loaded = isTaskManager ? TaskManagerRunner.loadConfiguration(args) : load(parsed);
            step = "application";
            Configuration effective = isApplication ? loadApplication(parsed) : loaded;
            answer.set("map", JSON.valueToTree(new TreeMap<>(loaded.toMap())));
            answer.set("programArgs", JSON.valueToTree(Arrays.asList(parsed.getArgs())));
            if (isApplication) {
                Object id = invoke(parsed, "getJobId");
                answer.put("jobId", id == null ? null : id.toString());
            }
            answer.set("effective", effective(effective, isTaskManager));
        } catch (Throwable thrown) {
            answer.put("refused", step);
            answer.put("error", words(thrown));
        }
        return answer;
    }

    @SuppressWarnings({"rawtypes", "unchecked"})
    private static ClusterConfiguration parse(String[] args, boolean isTaskManager, boolean isApplication)
            throws Exception {
        CommandLineParser parser = isTaskManager
                ? new CommandLineParser(new ClusterConfigurationParserFactory())
                : isApplication
                        ? new CommandLineParser(new StandaloneApplicationClusterConfigurationParserFactory())
                        : new CommandLineParser(new EntrypointClusterConfigurationParserFactory());
        return (ClusterConfiguration) parser.parse(args);
    }

    private static Configuration load(ClusterConfiguration parsed) throws Exception {
        Method load =
                ClusterEntrypoint.class.getDeclaredMethod("loadConfiguration", EntrypointClusterConfiguration.class);
        load.setAccessible(true);
        return (Configuration) call(load, null, parsed);
    }

    private static Configuration loadApplication(ClusterConfiguration parsed) throws Exception {
        Method load = named(StandaloneApplicationClusterEntryPoint.class, "loadConfigurationFromClusterConfig");
        return (Configuration) call(load, null, parsed);
    }

    private static void reset() throws Exception {
        Method set = named(GlobalConfiguration.class, "setStandardYaml");
        if (set != null) {
            call(set, null, true);
        }
    }

    private static ObjectNode effective(Configuration configuration, boolean isTaskManager) {
        ObjectNode fields = JSON.createObjectNode();
        field(fields, "highAvailability", () -> HighAvailabilityMode.fromConfig(configuration).name());
        field(fields, "isHighlyAvailable", () -> HighAvailabilityMode.isHighAvailabilityModeActivated(configuration));
        option(fields, "storageDir", configuration, HighAvailabilityOptions.HA_STORAGE_PATH);
        option(fields, "haClusterId", configuration, HighAvailabilityOptions.HA_CLUSTER_ID);
        field(fields, "haDirectory", () -> haDirectory(configuration));
        option(fields, "zooKeeperQuorum", configuration, HighAvailabilityOptions.HA_ZOOKEEPER_QUORUM);
        option(fields, "zooKeeperRoot", configuration, HighAvailabilityOptions.HA_ZOOKEEPER_ROOT);
        option(fields, "haJobManagerPort", configuration, HighAvailabilityOptions.HA_JOB_MANAGER_PORT_RANGE);
        option(fields, "kubernetesClusterId", configuration, KubernetesConfigOptions.CLUSTER_ID);
        option(fields, "kubernetesNamespace", configuration, KubernetesConfigOptions.NAMESPACE);
        option(fields, "leaseDuration", configuration, KubernetesHighAvailabilityOptions.KUBERNETES_LEASE_DURATION);
        option(fields, "renewDeadline", configuration, KubernetesHighAvailabilityOptions.KUBERNETES_RENEW_DEADLINE);
        option(fields, "retryPeriod", configuration, KubernetesHighAvailabilityOptions.KUBERNETES_RETRY_PERIOD);
        option(fields, "checkpoints", configuration, CheckpointingOptions.CHECKPOINTS_DIRECTORY);
        option(fields, "savepoints", configuration, CheckpointingOptions.SAVEPOINT_DIRECTORY);
        field(fields, "checkpointStorage", () -> checkpointStorage(configuration));
        option(fields, "checkpointInterval", configuration, CHECKPOINT_INTERVAL);
        field(fields, "isBatch", () -> configuration.get(ExecutionOptions.RUNTIME_MODE).name().equals("BATCH"));
        field(fields, "restartStrategy", () -> restartStrategy(configuration));
        field(fields, "memory", () -> memory(configuration, isTaskManager));
        option(fields, "jobManagerAddress", configuration, JobManagerOptions.ADDRESS);
        option(fields, "jobManagerPort", configuration, JobManagerOptions.PORT);
        option(fields, "restAddress", configuration, RestOptions.ADDRESS);
        option(fields, "restPort", configuration, RestOptions.BIND_PORT);
        field(fields, "restAsksForCertificates", () -> configuration.get(SecurityOptions.SSL_REST_ENABLED)
                && configuration.get(SecurityOptions.SSL_REST_AUTHENTICATION_ENABLED));
        option(fields, "takesJars", configuration, WebOptions.SUBMIT_ENABLE);
        at(fields, "storageDirAt", configuration, HighAvailabilityOptions.HA_STORAGE_PATH);
        at(fields, "checkpointsAt", configuration, CheckpointingOptions.CHECKPOINTS_DIRECTORY);
        at(fields, "savepointsAt", configuration, CheckpointingOptions.SAVEPOINT_DIRECTORY);
        taken(fields, "checkpointsTaken", configuration, CheckpointingOptions.CHECKPOINTS_DIRECTORY);
        taken(fields, "savepointsTaken", configuration, CheckpointingOptions.SAVEPOINT_DIRECTORY);
        return fields;
    }

    /** Its class moved with 2.0, and its name stayed. */
    private static final ConfigOption<Duration> CHECKPOINT_INTERVAL =
            ConfigOptions.key("execution.checkpointing.interval").durationType().noDefaultValue();

    /** Which file system serves a directory, null where none is set. */
    private static void at(
            ObjectNode fields, String name, Configuration configuration, ConfigOption<String> directory) {
        field(fields, name, () -> {
            String value = configuration.get(directory);
            return value == null ? null : fileSystem(configuration, new org.apache.flink.core.fs.Path(value));
        });
    }

    /** Whether a job takes a directory, by itself; null where none is set. */
    private static void taken(
            ObjectNode fields, String name, Configuration configuration, ConfigOption<String> directory) {
        field(fields, name, () -> {
            String value = configuration.get(directory);
            if (value == null) {
                return null;
            }
            Configuration alone = new Configuration();
            alone.set(directory, value);
            checkpointStorage(alone);
            return "taken";
        });
    }

    /** The cluster's own directory of HA metadata, once its file system is open; null without HA. */
    private static Object haDirectory(Configuration configuration) throws Exception {
        if (!HighAvailabilityMode.isHighAvailabilityModeActivated(configuration)) {
            return null;
        }
        org.apache.flink.core.fs.Path directory =
                HighAvailabilityServicesUtils.getClusterHighAvailableStoragePath(configuration);
        fileSystem(configuration, directory);
        return directory;
    }

    /** The scheme of the file system that serves {@code path}, {@code file} for the local one. */
    private static String fileSystem(Configuration configuration, org.apache.flink.core.fs.Path path)
            throws Exception {
        FileSystem.initialize(configuration, null);
        try {
            return path.getFileSystem().getUri().getScheme();
        } catch (UnsupportedFileSystemSchemeException unsupported) {
            String message = unsupported.getMessage();
            int quote = message.indexOf('\'');
            return message.substring(quote + 1, message.indexOf('\'', quote + 1));
        }
    }

    /** Where the checkpoints of a job without directories of its own go. */
    private static String checkpointStorage(Configuration configuration) throws Exception {
        Method load = named(CheckpointStorageLoader.class, "load");
        int configurations = 0;
        Object[] arguments = new Object[load.getParameterCount()];
        for (int index = 0; index < arguments.length; index++) {
            Class<?> type = load.getParameterTypes()[index];
            if (type == StateBackend.class) {
                arguments[index] = new HashMapStateBackend();
            } else if (type == Configuration.class) {
                // The job's own comes first, and is empty, where there are two.
                boolean isOfJob = load.getParameterCount() == 6 && !has(load, org.apache.flink.core.fs.Path.class)
                        && configurations++ == 0;
                arguments[index] = isOfJob ? new Configuration() : configuration;
            } else if (type == ClassLoader.class) {
                arguments[index] = Oracle.class.getClassLoader();
            } else if (type == Logger.class) {
                arguments[index] = LOG;
            }
        }
        Object storage = call(load, null, arguments);
        return storage instanceof FileSystemCheckpointStorage ? "files" : "memory";
    }

    private static boolean has(Method method, Class<?> type) {
        return Arrays.asList(method.getParameterTypes()).contains(type);
    }

    /** The strategy of a job that makes checkpoints and sets none of its own. */
    private static String restartStrategy(Configuration configuration) throws Exception {
        String loader = "RestartBackoffTimeStrategyFactoryLoader";
        Class<?> of;
        try {
            of = Class.forName("org.apache.flink.runtime.executiongraph.failover." + loader);
        } catch (ClassNotFoundException older) {
            of = Class.forName("org.apache.flink.runtime.executiongraph.failover.flip1." + loader);
        }
        Method create = named(of, "createRestartBackoffTimeStrategyFactory");
        int configurations = Arrays.asList(create.getParameterTypes()).indexOf(Configuration.class) == 0 ? 2 : 0;
        List<Object> arguments = new ArrayList<>();
        if (configurations == 0) {
            Class<?> strategies = Class.forName("org.apache.flink.api.common.restartstrategy.RestartStrategies");
            arguments.add(call(strategies.getMethod("fallBackRestart"), null));
        }
        while (arguments.size() < create.getParameterCount() - 2) {
            arguments.add(new Configuration());
        }
        arguments.add(configuration);
        arguments.add(true);
        Object factory = call(create, null, arguments.toArray());
        Class<?> strategy = factory.getClass().getEnclosingClass();
        String name = (strategy == null ? factory.getClass() : strategy).getSimpleName();
        Integer limit = limit(factory);
        boolean isEndless = limit == null ? !name.startsWith("NoRestart") : limit == Integer.MAX_VALUE;
        return isEndless ? "endless" : limit == null ? "none" : name.replaceFirst("RestartBackoffTime.*", "") + " " + limit;
    }

    /** How often a strategy restarts a job; null where it does not count. */
    private static Integer limit(Object factory) throws Exception {
        for (java.lang.reflect.Field field : factory.getClass().getDeclaredFields()) {
            if (LIMITS.contains(field.getName())) {
                field.setAccessible(true);
                return (Integer) field.get(factory);
            }
        }
        return null;
    }

    private static final List<String> LIMITS =
            Arrays.asList("maxNumberRestartAttempts", "maxAttempts", "maxFailuresPerInterval", "attemptsBeforeResetBackoff");

    /** Whether the sizes of the process go together, as the start scripts ask for them. */
    private static String memory(Configuration configuration, boolean isTaskManager) throws Exception {
        Object specification;
        if (isTaskManager) {
            Method legacy =
                    named(TaskExecutorProcessUtils.class, "getConfigurationMapLegacyTaskManagerHeapSizeToConfigOption");
            Configuration asked = legacy == null
                    ? configuration
                    : (Configuration) call(legacy, null, configuration, TaskManagerOptions.TOTAL_FLINK_MEMORY);
            specification = call(named(TaskExecutorProcessUtils.class, "processSpecFromConfig"), null, asked);
        } else {
            Method legacy =
                    named(JobManagerProcessUtils.class, "processSpecFromConfigWithNewOptionToInterpretLegacyHeap");
            specification = legacy == null
                    ? call(named(JobManagerProcessUtils.class, "processSpecFromConfig"), null, configuration)
                    : call(legacy, null, configuration, JobManagerOptions.JVM_HEAP_MEMORY);
        }
        return specification == null ? null : "enough";
    }

    private static void option(ObjectNode fields, String name, Configuration configuration, ConfigOption<?> option) {
        field(fields, name, () -> {
            Object value = configuration.get(option);
            return value instanceof Duration ? nanoseconds((Duration) value) : value;
        });
    }

    private static String nanoseconds(Duration duration) {
        return String.valueOf(java.math.BigInteger.valueOf(duration.getSeconds())
                .multiply(java.math.BigInteger.valueOf(1_000_000_000))
                .add(java.math.BigInteger.valueOf(duration.getNano())));
    }

    /** Sets the field to what {@code value} gives as text, null for nothing; an exception to {@code {"error": ...}}. */
    private static void field(ObjectNode fields, String name, Callable<Object> value) {
        try {
            Object found = value.call();
            fields.put(name, found == null ? null : found.toString());
        } catch (Throwable thrown) {
            fields.putObject(name).put("error", words(thrown));
        }
    }

    private static Method named(Class<?> of, String name) {
        for (Method method : of.getDeclaredMethods()) {
            if (method.getName().equals(name) && !method.isBridge()) {
                method.setAccessible(true);
                return method;
            }
        }
        return null;
    }

    private static Object invoke(Object object, String name) throws Exception {
        for (Class<?> of = object.getClass(); of != null; of = of.getSuperclass()) {
            Method method = named(of, name);
            if (method != null) {
                return call(method, object);
            }
        }
        throw new NoSuchMethodException(object.getClass() + "." + name);
    }

    private static Object call(Method method, Object object, Object... arguments) throws Exception {
        try {
            return method.invoke(object, arguments);
        } catch (InvocationTargetException thrown) {
            if (thrown.getCause() instanceof Exception) {
                throw (Exception) thrown.getCause();
            }
            throw thrown;
        }
    }

    private static String words(Throwable thrown) {
        StringBuilder words = new StringBuilder();
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            words.append(words.length() == 0 ? "" : "; ").append(cause.getClass().getSimpleName());
            words.append(": ").append(cause.getMessage());
        }
        return words.toString();
    }
}
