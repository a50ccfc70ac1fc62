import com.stripe.exception.StripeException;
import java.util.Arrays;
import java.util.Objects;

/** One line a check; the exit status is the verdict. */
final class Check {
  interface Body {
    void run() throws Exception;
  }

  private static int failures;

  private Check() {}

  static void check(String name, Body body) {
    try {
      body.run();
      System.out.println("ok      " + name);
    } catch (Exception | AssertionError error) {
      failures += 1;
      System.out.println("FAILED  " + name);
      error.printStackTrace(System.out);
    }
  }

  static void equal(Object got, Object want) {
    if (!Objects.equals(got, want)) {
      throw new AssertionError(got + " instead of " + want);
    }
  }

  /** Fails unless the call is refused with exactly this class, status, code and parameter. */
  static StripeException refused(
      Class<? extends StripeException> kind, int status, String code, String param, Body call) throws Exception {
    try {
      call.run();
    } catch (StripeException error) {
      var said = Arrays.asList(error.getClass(), error.getStatusCode(), error.getCode(), error.getStripeError().getParam());
      equal(said, Arrays.asList(kind, status, code, param));
      equal(error.getRequestId().matches("req_[A-Za-z0-9]{14}"), true);
      return error;
    }
    throw new AssertionError("the server accepted it");
  }

  static int exitStatus() {
    return failures == 0 ? 0 : 1;
  }
}
