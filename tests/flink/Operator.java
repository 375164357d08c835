import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.type.LogicalType;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.kubernetes.configuration.KubernetesConfigOptions;
import org.apache.flink.kubernetes.operator.api.FlinkDeployment;
import org.apache.flink.kubernetes.operator.api.spec.FlinkDeploymentSpec;
import org.apache.flink.kubernetes.operator.api.spec.FlinkVersion;
import org.apache.flink.kubernetes.operator.config.FlinkConfigBuilder;
import org.apache.flink.kubernetes.operator.config.FlinkConfigManager;
import org.apache.flink.kubernetes.operator.utils.FlinkUtils;
import org.apache.flink.kubernetes.operator.validation.DefaultValidator;
import org.apache.flink.runtime.jobmanager.HighAvailabilityMode;

/**
 * Asks the classes of Flink's Kubernetes operator. The first line on standard output says which it is: {@code versions} that
 * it knows of Flink, and whether it takes {@code nested} configuration. Then each line on standard input is a question, and
 * its answer a line.
 *
 * <p>{@code {"deployment": …}}: {@code unreadable} where it is no FlinkDeployment; else {@code rejected}, the validator's
 * word or null, {@code flat}, its configuration, {@code effective}, the configuration that a cluster gets, or why there is
 * {@code none}, {@code pods}, the pod templates of both roles in it, {@code accounts}, {@code replicas} and {@code active}.
 *
 * <p>{@code {"base": …, "own": …, "byName": …, "ours": …}}: {@code theirs}, what is made of two pod templates, and
 * {@code ours} as the same type writes it.
 *
 * <p>{@code {"flatten": …}}: {@code flat}, a configuration of any depth, where the operator takes such.
 */
public class Operator {
    // Before all else: what the classes log is no answer.
    private static final PrintStream OUTPUT = replaceOutput();
    private static final ObjectMapper JSON =
            new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);

    static {
        // A number where a text belongs is refused by the API server already.
        for (CoercionInputShape number : List.of(CoercionInputShape.Integer, CoercionInputShape.Float, CoercionInputShape.Boolean)) {
            JSON.coercionConfigFor(LogicalType.Textual).setCoercion(number, CoercionAction.Fail);
        }
    }

    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final Method MERGE = method(FlinkUtils.class, "mergePodTemplates");
    private static final Class<?> TEMPLATE = MERGE.getParameterTypes()[0];
    private static final DefaultValidator VALIDATOR = new DefaultValidator(new FlinkConfigManager(new Configuration()));

    public static void main(String[] args) throws Exception {
        ObjectNode hello = JSON.createObjectNode();
        Arrays.stream(FlinkVersion.values()).forEach(version -> hello.withArray("versions").add(version.name()));
        hello.put("nested", configurationNode() != null);
        OUTPUT.println(hello);
        OUTPUT.flush();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            JsonNode question = JSON.readTree(line);
            ObjectNode answer = JSON.createObjectNode();
            if (question.has("deployment")) {
                review(question.get("deployment"), answer);
            } else if (question.has("flatten")) {
                answer.set("flat", JSON.valueToTree(flat(question.get("flatten"))));
            } else {
                merge(question, answer);
            }
            OUTPUT.println(answer);
            OUTPUT.flush();
        }
        // The manager has threads that would go on.
        System.exit(0);
    }

    private static PrintStream replaceOutput() {
        PrintStream output = System.out;
        System.setOut(System.err);
        return output;
    }

    private static void review(JsonNode object, ObjectNode answer) throws Exception {
        FlinkDeployment deployment;
        try {
            deployment = JSON.treeToValue(object, FlinkDeployment.class);
        } catch (JsonProcessingException | IllegalArgumentException refused) {
            answer.put("unreadable", refused.getMessage());
            return;
        }
        FlinkDeploymentSpec spec = deployment.getSpec();
        try {
            Optional<String> rejected = VALIDATOR.validateDeployment(deployment);
            answer.put("rejected", rejected.orElse(null));
        } catch (RuntimeException failed) {
            answer.put("rejected", "fails: " + failed);
        }
        if (spec == null) {
            return;
        }
        answer.set("flat", JSON.valueToTree(flat(spec)));
        Configuration effective;
        try {
            String name = deployment.getMetadata().getName();
            String namespace = deployment.getMetadata().getNamespace();
            effective = FlinkConfigBuilder.buildFrom(namespace, name, spec, new Configuration());
        } catch (Exception failed) {
            answer.put("none", failed.toString());
            return;
        }
        answer.set("effective", JSON.valueToTree(effective.toMap()));
        ObjectNode pods = answer.putObject("pods");
        pods.set("jobmanager", template(effective, KubernetesConfigOptions.JOB_MANAGER_POD_TEMPLATE));
        pods.set("taskmanager", template(effective, KubernetesConfigOptions.TASK_MANAGER_POD_TEMPLATE));
        forget(effective, KubernetesConfigOptions.JOB_MANAGER_POD_TEMPLATE);
        forget(effective, KubernetesConfigOptions.TASK_MANAGER_POD_TEMPLATE);
        ObjectNode accounts = answer.putObject("accounts");
        accounts.put("jobmanager", effective.get(KubernetesConfigOptions.JOB_MANAGER_SERVICE_ACCOUNT));
        accounts.put("taskmanager", effective.get(KubernetesConfigOptions.TASK_MANAGER_SERVICE_ACCOUNT));
        try {
            answer.put("replicas", effective.get(KubernetesConfigOptions.KUBERNETES_JOBMANAGER_REPLICAS));
        } catch (IllegalArgumentException unreadable) {
            answer.putNull("replicas");
        }
        answer.put("active", HighAvailabilityMode.isHighAvailabilityModeActivated(effective));
    }

    /** The pod template that the configuration names by its file, or null. */
    private static JsonNode template(Configuration effective, ConfigOption<String> option) throws Exception {
        String file = effective.get(option);
        return file != null && new File(file).isFile() ? YAML.readTree(new File(file)) : null;
    }

    private static void forget(Configuration effective, ConfigOption<String> option) throws Exception {
        String file = effective.get(option);
        // A user's own path is none of what was generated.
        if (file != null && file.contains("flink_op_generated_")) {
            Files.deleteIfExists(new File(file).toPath());
        }
    }

    private static void merge(JsonNode question, ObjectNode answer) throws Exception {
        Object ours;
        Object base;
        Object own;
        try {
            base = JSON.treeToValue(question.get("base"), TEMPLATE);
            own = JSON.treeToValue(question.get("own"), TEMPLATE);
            ours = JSON.treeToValue(question.get("ours"), TEMPLATE);
        } catch (JsonProcessingException | IllegalArgumentException refused) {
            answer.put("unreadable", refused.getMessage());
            return;
        }
        try {
            answer.set("theirs", JSON.valueToTree(MERGE.invoke(null, base, own, question.get("byName").asBoolean())));
        } catch (InvocationTargetException failed) {
            answer.put("unreadable", failed.getCause().toString());
            return;
        }
        answer.set("ours", JSON.valueToTree(ours));
    }

    /** The configuration of a FlinkDeployment: a map of texts, or a tree from 1.13. */
    private static Map<?, ?> flat(FlinkDeploymentSpec spec) throws Exception {
        Object configuration = spec.getFlinkConfiguration();
        if (configuration == null || configuration instanceof Map) {
            return (Map<?, ?>) configuration;
        }
        return (Map<?, ?>) method(configuration.getClass(), "asFlatMap").invoke(configuration);
    }

    private static Map<?, ?> flat(JsonNode configuration) throws Exception {
        ObjectNode node = (ObjectNode) configurationNode().getDeclaredConstructor().newInstance();
        node.setAll((ObjectNode) configuration);
        return (Map<?, ?>) method(node.getClass(), "asFlatMap").invoke(node);
    }

    private static Class<?> configurationNode() {
        try {
            return Class.forName("org.apache.flink.kubernetes.operator.api.spec.ConfigObjectNode");
        } catch (ClassNotFoundException older) {
            return null;
        }
    }

    private static Method method(Class<?> owner, String name) {
        return Arrays.stream(owner.getMethods()).filter(method -> method.getName().equals(name)).findFirst().orElseThrow();
    }
}
