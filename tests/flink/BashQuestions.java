import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * Answers what Flink's scripts ask a JVM before they start one, with Flink's own {@code BashJavaUtils}, so that not each
 * question starts a JVM. A line {@code port N} on standard output names one of the loopback. A question there is the number of
 * its arguments and the arguments, each ended by a NUL; the answer is all that the class writes, until the connection's end.
 *
 * <p>Ends where its standard input does.
 */
public class BashQuestions {
    public static void main(String[] args) throws Exception {
        Method utilities = Class.forName("org.apache.flink.runtime.util.bash.BashJavaUtils").getMethod("main", String[].class);
        Thread watcher = new Thread(BashQuestions::endWithInput);
        watcher.setDaemon(true);
        watcher.start();
        try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            System.out.println("port " + server.getLocalPort());
            while (true) {
                // One after the other: the outputs are the JVM's.
                try (Socket socket = server.accept()) {
                    String[] question = read(new DataInputStream(socket.getInputStream()));
                    socket.getOutputStream().write(answer(utilities, question));
                } catch (IOException gone) {
                    // Who asked was killed.
                }
            }
        }
    }

    private static void endWithInput() {
        try {
            while (System.in.read() >= 0) {}
        } catch (IOException closed) {
            // As good as its end.
        }
        System.exit(0);
    }

    private static String[] read(DataInputStream input) throws IOException {
        String[] words = new String[Integer.parseInt(word(input))];
        for (int index = 0; index < words.length; index++) {
            words[index] = word(input);
        }
        return words;
    }

    private static String word(DataInputStream input) throws IOException {
        ByteArrayOutputStream word = new ByteArrayOutputStream();
        for (byte next = input.readByte(); next != 0; next = input.readByte()) {
            word.write(next);
        }
        return new String(word.toByteArray(), StandardCharsets.UTF_8);
    }

    private static byte[] answer(Method utilities, String[] question) {
        PrintStream output = System.out;
        PrintStream errors = System.err;
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        // The scripts read both as one.
        PrintStream both = new PrintStream(answer, true);
        System.setOut(both);
        System.setErr(both);
        try {
            utilities.invoke(null, (Object) question);
        } catch (InvocationTargetException refused) {
            refused.getCause().printStackTrace();
        } catch (IllegalAccessException | RuntimeException failed) {
            failed.printStackTrace();
        } finally {
            System.setOut(output);
            System.setErr(errors);
        }
        both.flush();
        return answer.toByteArray();
    }
}
