package dev.pillion.sdkchat;

import java.util.List;
import java.util.Map;

/** What is talked about, the same in every language. */
final class Talk {
    static final String QUESTION = "What is the weather in Paris, and what time is it in Tokyo?";

    static final List<Tool> TOOLS = List.of(
            new Tool(
                    "get_weather",
                    "Get the weather at a place",
                    Map.of("location", Map.of("type", "string")),
                    "{\"celsius\": 21, \"sky\": \"clear\"}"),
            new Tool(
                    "get_time",
                    "Tell the local time at a place",
                    Map.of(
                            "location", Map.of("type", "string"),
                            "format", Map.of("type", "string", "enum", List.of("12h", "24h"))),
                    "{\"time\": \"09:30\"}"));

    /** The shape of a structured answer. */
    static final Map<String, Object> WEATHER = Map.of(
            "type",
            "object",
            "properties",
            Map.of(
                    "city", Map.of("type", "string"),
                    "celsius", Map.of("type", "integer"),
                    "sky", Map.of("type", "string")),
            "required",
            List.of("city", "celsius", "sky"),
            "additionalProperties",
            false);

    private Talk() {}

    static String answer(String name) {
        return TOOLS.stream().filter(tool -> tool.name().equals(name)).findFirst().orElseThrow().answer();
    }

    record Tool(String name, String purpose, Map<String, Object> properties, String answer) {
        Map<String, Object> schema() {
            return Map.of("type", "object", "properties", properties, "required", List.of("location"));
        }
    }
}
