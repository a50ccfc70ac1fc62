import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import com.google.gson.JsonParser;

/** The server under test, as {@code cargo xtask interop} describes it in the environment, and its clock. */
final class Server {
  static final String URL = System.getenv("CHOLLA_URL");

  private Server() {}

  /** The server's time in Unix seconds. */
  static long now() throws Exception {
    return clock(HttpRequest.newBuilder().GET());
  }

  /** Moves the server's clock forward, such as by "2h". */
  static void advance(String duration) throws Exception {
    var body = HttpRequest.BodyPublishers.ofString("{\"advance\": \"" + duration + "\"}");
    clock(HttpRequest.newBuilder().POST(body).header("Content-Type", "application/json"));
  }

  private static long clock(HttpRequest.Builder request) throws Exception {
    var sent = request
        .uri(URI.create(System.getenv("CHOLLA_ADMIN_URL") + "/dev/clock"))
        .header("Authorization", "Bearer " + System.getenv("CHOLLA_ADMIN_TOKEN"))
        .build();
    var answer = HttpClient.newHttpClient().send(sent, HttpResponse.BodyHandlers.ofString());
    return JsonParser.parseString(answer.body()).getAsJsonObject().get("now").getAsLong();
  }
}
