import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.RetryOneTime;

/**
 * Cycles of taking and giving back one lock with Curator, by SESSIONS contenders with a session each.
 *
 * <p>usage: java -cp CURATOR CuratorLocks.java HOST:PORT SECONDS SESSIONS PATH
 */
public final class CuratorLocks {
    private static volatile boolean counting;
    private static volatile boolean ending;

    public static void main(String[] arguments) throws Exception {
        String server = arguments[0];
        long milliseconds = (long) (Double.parseDouble(arguments[1]) * 1000);
        int sessions = Integer.parseInt(arguments[2]);
        LongAdder cycles = new LongAdder();
        List<Thread> contenders = new ArrayList<>();
        for (int number = 0; number < sessions; number++) {
            CuratorFramework client = CuratorFrameworkFactory.newClient(server, 30_000, 10_000, new RetryOneTime(100));
            client.start();
            client.blockUntilConnected();
            InterProcessMutex mutex = new InterProcessMutex(client, arguments[3]);
            Thread contender = new Thread(() -> contend(mutex, cycles));
            contender.setDaemon(true);
            contenders.add(contender);
        }
        for (Thread contender : contenders) contender.start();
        // The compiler of the virtual machine takes its time.
        Thread.sleep(2500);
        counting = true;
        long begin = System.nanoTime();
        Thread.sleep(milliseconds);
        counting = false;
        double seconds = (System.nanoTime() - begin) / 1e9;
        ending = true;
        for (Thread contender : contenders) contender.join(3000);
        System.out.printf(
                "{\"load\":\"curator-locks-%d\",\"operations\":%d,\"per_second\":%.1f}%n",
                sessions, cycles.sum(), cycles.sum() / seconds);
        System.exit(0);
    }

    private static void contend(InterProcessMutex mutex, LongAdder cycles) {
        try {
            while (!ending) {
                mutex.acquire();
                mutex.release();
                if (counting) cycles.increment();
            }
        } catch (Exception error) {
            System.err.println(error);
        }
    }
}
