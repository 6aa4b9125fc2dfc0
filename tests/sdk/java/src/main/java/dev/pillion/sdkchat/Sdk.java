package dev.pillion.sdkchat;

/** Does one exchange, and fills the result as far as it comes. */
interface Sdk {
    int MAX_TURNS = 4;

    void exchange(String model, Wish wish, Result result) throws Exception;
}

/** What a mode asks for. */
record Wish(boolean stream, boolean tools, boolean structured) {
    static Wish of(String mode) {
        return new Wish(
                mode.endsWith("stream") || mode.equals("cancel"), mode.startsWith("tools"), mode.startsWith("structured"));
    }
}

/** The application does not want the rest of a stream. */
final class Cancelled extends RuntimeException {
    Cancelled() {
        super("cancelled");
    }
}
