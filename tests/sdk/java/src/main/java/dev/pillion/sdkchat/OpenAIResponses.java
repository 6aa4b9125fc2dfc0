package dev.pillion.sdkchat;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.helpers.ResponseAccumulator;
import com.openai.models.responses.EasyInputMessage;
import com.openai.models.responses.FunctionTool;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseFormatTextJsonSchemaConfig;
import com.openai.models.responses.ResponseFunctionToolCall;
import com.openai.models.responses.ResponseIncludable;
import com.openai.models.responses.ResponseInputItem;
import com.openai.models.responses.ResponseOutputItem;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.responses.ResponseStreamEvent;
import com.openai.models.responses.ResponseTextConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** OpenAI's SDK: Responses, without anything stored at the vendor. */
final class OpenAIResponses implements Sdk {
    private final OpenAIClient client =
            OpenAIOkHttpClient.builder().fromEnv().maxRetries(0).build();

    @Override
    public void exchange(String model, Wish wish, Result result) {
        List<ResponseInputItem> input = new ArrayList<>();
        input.add(ResponseInputItem.ofEasyInputMessage(EasyInputMessage.builder()
                .role(EasyInputMessage.Role.USER)
                .content(Talk.QUESTION)
                .build()));
        ResponseCreateParams.Builder params = ResponseCreateParams.builder()
                .model(model)
                .store(false)
                .addInclude(ResponseIncludable.REASONING_ENCRYPTED_CONTENT);
        if (wish.tools()) {
            Talk.TOOLS.forEach(tool -> params.addTool(offered(tool)));
        }
        if (wish.structured()) {
            params.text(ResponseTextConfig.builder().format(weather()).build());
        }
        while (result.turns < MAX_TURNS) {
            result.turns++;
            Response response = ask(params.inputOfResponse(input).build(), wish.stream(), result);
            if (!response.status().filter(ResponseStatus.COMPLETED::equals).isPresent()) {
                throw new IllegalStateException("the response is " + response.status() + ": " + response.error());
            }
            result.text = text(response);
            result.finish = "completed";
            response.usage().ifPresent(usage -> {
                result.usage.input += usage.inputTokens();
                result.usage.output += usage.outputTokens();
            });
            boolean called = false;
            for (ResponseOutputItem item : response.output()) {
                item.message().map(ResponseInputItem::ofResponseOutputMessage).ifPresent(input::add);
                item.reasoning().map(ResponseInputItem::ofReasoning).ifPresent(input::add);
                if (item.functionCall().isPresent()) {
                    called = true;
                    ResponseFunctionToolCall call = item.asFunctionCall();
                    result.tool(call.callId(), call.name(), call.arguments());
                    input.add(ResponseInputItem.ofFunctionCall(call));
                    input.add(ResponseInputItem.ofFunctionCallOutput(ResponseInputItem.FunctionCallOutput.builder()
                            .callId(call.callId())
                            .output(Talk.answer(call.name()))
                            .build()));
                }
            }
            if (!called) {
                return;
            }
        }
        throw new IllegalStateException("the model never stopped calling tools");
    }

    private static FunctionTool offered(Talk.Tool tool) {
        FunctionTool.Parameters.Builder parameters = FunctionTool.Parameters.builder();
        tool.schema().forEach((name, value) -> parameters.putAdditionalProperty(name, JsonValue.from(value)));
        return FunctionTool.builder()
                .name(tool.name())
                .description(tool.purpose())
                .parameters(parameters.build())
                .strict(false)
                .build();
    }

    private static ResponseFormatTextJsonSchemaConfig weather() {
        ResponseFormatTextJsonSchemaConfig.Schema.Builder schema = ResponseFormatTextJsonSchemaConfig.Schema.builder();
        Talk.WEATHER.forEach((name, value) -> schema.putAdditionalProperty(name, JsonValue.from(value)));
        return ResponseFormatTextJsonSchemaConfig.builder()
                .name("weather")
                .schema(schema.build())
                .strict(true)
                .build();
    }

    private static String text(Response response) {
        return response.output().stream()
                .flatMap(item -> item.message().stream())
                .flatMap(message -> message.content().stream())
                .flatMap(content -> content.outputText().stream())
                .map(text -> text.text())
                .collect(Collectors.joining());
    }

    private Response ask(ResponseCreateParams params, boolean stream, Result result) {
        if (!stream) {
            return client.responses().create(params);
        }
        ResponseAccumulator whole = ResponseAccumulator.create();
        try (StreamResponse<ResponseStreamEvent> events = client.responses().createStreaming(params)) {
            events.stream().forEach(event -> {
                whole.accumulate(event);
                event.error().ifPresent(error -> {
                    throw new IllegalStateException("error event: " + error.message());
                });
                if (event.outputTextDelta().isPresent() || event.functionCallArgumentsDelta().isPresent()) {
                    result.delta();
                }
            });
        }
        return whole.response();
    }
}
