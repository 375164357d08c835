import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * A job that counts what it has seen in its state, and says with the first record after each start what it found there:
 * {@code STARTED state=148 record=149}; {@code state=null} is a job that begins anew.
 */
public class Count {
    public static void main(String[] args) throws Exception {
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
        environment.setParallelism(1);
        environment
                .fromSource(new NumberSequenceSource(1, Long.MAX_VALUE), WatermarkStrategy.noWatermarks(), "numbers")
                // Slow before the shuffle: behind it the records would fill its buffers and hold checkpoints up.
                .map(number -> {
                    Thread.sleep(10);
                    return number;
                })
                .returns(Types.LONG)
                .keyBy(number -> 0)
                .process(new Counter());
        environment.execute("count");
    }

    private static class Counter extends KeyedProcessFunction<Integer, Long, Long> {
        private transient ValueState<Long> state;

        @Override
        public void processElement(Long record, Context context, Collector<Long> out) throws Exception {
            boolean isFirst = state == null;
            if (isFirst) {
                state = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
            }
            Long count = state.value();
            if (isFirst) {
                System.out.println("STARTED state=" + count + " record=" + record);
            }
            state.update(count == null ? 1 : count + 1);
        }
    }
}
