package dev.pillion.sdkchat;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.openai.errors.OpenAIServiceException;
import java.util.ArrayList;
import java.util.List;

/** One exchange, however many requests it took; {@code tests/src/sdk} reads it. */
final class Result {
    public final String sdk;
    public final String model;
    public final String mode;
    public boolean ok;
    public String text = "";
    public int deltas;
    public final List<ToolCall> tools = new ArrayList<>();
    public String finish = "";
    public final Usage usage = new Usage();
    public int turns;
    public Failure error;
    public long ms;

    Result(String sdk, String model, String mode) {
        this.sdk = sdk;
        this.model = model;
        this.mode = mode;
    }

    /** Counts a piece of a streamed reply. */
    void delta() {
        deltas++;
        if (mode.equals("cancel")) {
            throw new Cancelled();
        }
    }

    /** Notes a call; arguments that are no JSON are kept as a string, for the reader to see. */
    void tool(String id, String name, String arguments) {
        Object parsed;
        try {
            parsed = new JsonMapper().readTree(arguments);
        } catch (JsonProcessingException error) {
            parsed = arguments;
        }
        tools.add(new ToolCall(id, name, parsed));
    }

    record ToolCall(String id, String name, Object arguments) {}

    static final class Usage {
        public long input;
        public long output;
    }

    /** An error as the SDK shows it; status is 0 when there was no HTTP reply. */
    record Failure(int status, @JsonProperty("type") String kind, String message) {
        static Failure of(Exception error) {
            String message = error.getClass().getSimpleName() + ": " + error.getMessage();
            if (error instanceof OpenAIServiceException told) {
                return new Failure(told.statusCode(), told.type().orElse(""), message);
            }
            return new Failure(0, "", message);
        }
    }
}
