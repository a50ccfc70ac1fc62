import com.stripe.exception.ApiConnectionException;
import com.stripe.net.HttpURLConnectionClient;
import com.stripe.net.StripeRequest;
import com.stripe.net.StripeResponse;

/** Counts what is sent, and loses the first answers. */
final class LossyClient extends HttpURLConnectionClient {
  private final int lost;
  int attempts;

  LossyClient(int lost) {
    this.lost = lost;
  }

  @Override
  public StripeResponse request(StripeRequest request) throws ApiConnectionException {
    var answer = super.request(request);
    attempts += 1;
    if (attempts <= lost) {
      throw new ApiConnectionException("the answer was lost", new java.net.ConnectException("lost"));
    }
    return answer;
  }
}
