package dev.pillion.sdkchat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.HashMap;
import java.util.Map;

/**
 * Talks to models with the vendors' own SDKs, as an application does: it names a model and nothing else. Base URLs and keys come
 * from the SDKs' own environment variables.
 *
 * <pre>Main [--modes chat,stream,...] [MODES/]SDK:MODEL...</pre>
 *
 * Each exchange is one line of JSON on standard output. The exit status is 1 when one of them failed.
 */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        String modes = "chat,stream,tools,tools-stream,structured,structured-stream,cancel";
        // Built once, as an application does: each keeps its connections.
        Map<String, Sdk> sdks = new HashMap<>();
        boolean failed = false;
        for (int at = 0; at < arguments.length; at++) {
            if (arguments[at].equals("--modes")) {
                modes = arguments[++at];
                continue;
            }
            String[] pair = arguments[at].split(":", 2);
            int slash = pair[0].indexOf('/');
            String name = pair[0].substring(slash + 1);
            for (String mode : (slash < 0 ? modes : pair[0].substring(0, slash)).split(",")) {
                Result result = run(sdks, name, pair[1], mode);
                failed |= !result.ok;
                System.out.println(new JsonMapper().writeValueAsString(result));
            }
        }
        // The SDK's connections would keep the program for a minute.
        System.exit(failed ? 1 : 0);
    }

    private static Result run(Map<String, Sdk> sdks, String name, String model, String mode) {
        Result result = new Result(name, model, mode);
        long started = System.nanoTime();
        try {
            Sdk sdk = sdks.computeIfAbsent(name, Main::create);
            sdk.exchange(model, Wish.of(mode), result);
            result.ok = true;
        } catch (Cancelled cancelled) {
            result.ok = true;
            result.finish = "cancelled";
        } catch (Exception error) {
            result.error = Result.Failure.of(error);
        }
        result.ms = (System.nanoTime() - started) / 1_000_000;
        return result;
    }

    private static Sdk create(String name) {
        return switch (name) {
            case "openai" -> new OpenAIChat();
            case "openai-responses" -> new OpenAIResponses();
            default -> throw new IllegalArgumentException("no such SDK: " + name);
        };
    }
}
