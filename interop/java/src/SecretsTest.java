import com.stripe.Stripe;
import com.stripe.exception.AuthenticationException;
import com.stripe.exception.IdempotencyException;
import com.stripe.exception.InvalidRequestException;
import com.stripe.exception.PermissionException;
import com.stripe.exception.StripeException;
import com.stripe.net.RequestOptions;
import com.stripe.param.apps.SecretCreateParams;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.UUID;

/** The official Java library, unchanged but for its base URL. One line a check; the exit status is the verdict. */
public final class SecretsTest {
  private static final String STRANGER = "acct_stranger";
  private static final String OAUTH_TOKEN = "sk_test_oauth_java";
  private static final String RESTRICTED_KEY = "rk_test_write_java";
  private static final String READ_KEY = "rk_test_read_java";
  private static final String EXPIRING_KEY = "ek_test_short_java";

  private interface Check {
    void run() throws Exception;
  }

  private static int failures;

  public static void main(String[] arguments) {
    Stripe.enableTelemetry = false;
    check("rules 1 and 4.6: the four operations", SecretsTest::operations);
    check("rules 4.1 and 4.2: replace and the limit", SecretsTest::replace);
    check("rule 4.7: pages", SecretsTest::pages);
    check("rule 4.8: expansion", SecretsTest::expansion);
    check("rule 6: errors by class", SecretsTest::errors);
    check("rule 7.4: idempotency", SecretsTest::idempotency);
    check("rules 7.4 and 7.5: retries", SecretsTest::retries);
    check("rules 5.2 to 5.4 and 5.10: accounts and tokens", SecretsTest::accounts);
    check("rules 3.5 and 3.7: any Unicode", SecretsTest::unicode);
    check("rule 4.4: expiry", SecretsTest::expiry);
    System.exit(failures == 0 ? 0 : 1);
  }

  private static void check(String name, Check check) {
    try {
      check.run();
      System.out.println("ok      " + name);
    } catch (Exception | AssertionError error) {
      failures += 1;
      System.out.println("FAILED  " + name);
      error.printStackTrace(System.out);
    }
  }

  private static void equal(Object got, Object want) {
    if (!Objects.equals(got, want)) {
      throw new AssertionError(got + " instead of " + want);
    }
  }

  /** Fails unless the call is refused with exactly this class, status, code and parameter. */
  private static StripeException refused(
      Class<? extends StripeException> kind, int status, String code, String param, Check call) throws Exception {
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

  private static void missing(Check call) throws Exception {
    refused(InvalidRequestException.class, 404, "resource_missing", "name", call);
  }

  private static void invalid(String code, String param, Check call) throws Exception {
    refused(InvalidRequestException.class, 400, code, param, call);
  }

  private static void operations() throws Exception {
    for (var user : new String[] {null, Secrets.newUser()}) {
      var secrets = Secrets.in(user);
      var name = "name_" + UUID.randomUUID();
      var created = secrets.create(name, "v1");
      equal(created.getId().matches("appsecret_[A-Za-z0-9]{30}"), true);
      equal(created.getObject(), "apps.secret");
      equal(created.getLivemode(), false);
      equal(Arrays.asList(created.getExpiresAt(), created.getPayload(), created.getDeleted()), Arrays.asList(null, null, null));
      equal(created.getScope().getType(), user == null ? "account" : "user");
      equal(created.getScope().getUser(), user);
      equal(secrets.find(name).getId(), created.getId());
      equal(secrets.find(name).getPayload(), "v1");
      equal(Secrets.names(secrets.list().getData()).contains(name), true);
      var deleted = secrets.delete(name);
      equal(List.of(deleted.getId(), deleted.getDeleted()), List.of(created.getId(), true));
      missing(() -> secrets.find(name));
      missing(() -> secrets.delete(name));
    }
  }

  private static void replace() throws Exception {
    var secrets = Secrets.in(Secrets.newUser());
    long expiresAt = Server.now() + 1_000_000;
    secrets.fill(9);
    var first = secrets.service().create(secrets.creation("x", "v1").setExpiresAt(expiresAt).build());
    equal(first.getExpiresAt(), expiresAt);
    var second = secrets.create("x", "v2");
    equal(Arrays.asList(second.getId(), second.getCreated(), second.getExpiresAt()),
        Arrays.asList(first.getId(), first.getCreated(), null));
    equal(secrets.find("x").getPayload(), "v2");
    invalid(null, "name", () -> secrets.create("y", "v"));
  }

  private static void pages() throws Exception {
    var secrets = Secrets.in(Secrets.newUser());
    var names = secrets.fill(10);
    var page = secrets.service().list(secrets.listing().setLimit(3L).build());
    equal(Secrets.names(page.getData()), names.subList(0, 3));
    equal(List.of(page.getHasMore(), page.getUrl()), List.of(true, "/v1/apps/secrets"));
    equal(Secrets.names(page.autoPagingIterable()), names);
    // The library's own pager only goes forwards, so backwards is one page.
    var oldest = secrets.find("name_0").getId();
    var back = secrets.service().list(secrets.listing().setLimit(3L).setEndingBefore(oldest).build());
    equal(Secrets.names(back.getData()), names.subList(6, 9));
    equal(back.getHasMore(), true);
    var unknown = secrets.listing().setStartingAfter("appsecret_x").build();
    invalid("resource_missing", "starting_after", () -> secrets.service().list(unknown));
  }

  private static void expansion() throws Exception {
    var secrets = Secrets.in(Secrets.newUser());
    secrets.fill(2);
    var page = secrets.service().list(secrets.listing().addExpand("data.payload").build());
    equal(page.getData().get(0).getPayload(), "payload of name_1");
    equal(secrets.list().getData().get(0).getPayload(), null);
    var deleted = secrets.service().deleteWhere(secrets.removal("name_0").addExpand("payload").build());
    equal(deleted.getPayload(), "payload of name_0");
    invalid(null, null, () -> secrets.service().find(secrets.search("name_1").addExpand("foo").build()));
  }

  private static void errors() throws Exception {
    var user = Secrets.newUser();
    var unknown = Secrets.of(Secrets.client("sk_live_unknownUnknown1234", Secrets.MERCHANT).build(), user);
    var error = refused(AuthenticationException.class, 401, null, null, () -> unknown.find("x"));
    equal(error.getStripeError().getMessage(), "Invalid API Key provided: sk_live_****1234");
    var publishable = Secrets.of(Secrets.client("pk_test_anything", null).build(), user);
    refused(AuthenticationException.class, 401, "secret_key_required", null, () -> publishable.find("x"));
    var stranger = Secrets.of(Secrets.client(Secrets.DEVELOPER_KEY, STRANGER).build(), user);
    refused(PermissionException.class, 403, "account_invalid", null, () -> stranger.find("x"));
    var reader = Secrets.of(Secrets.client(READ_KEY, null).build(), user);
    equal(reader.list().getData(), List.of());
    refused(PermissionException.class, 403, "more_permissions_required", null, () -> reader.create("x", "v"));

    var secrets = Secrets.in(user);
    invalid("parameter_missing", "payload", () -> secrets.create("x", null));
    invalid("parameter_invalid_empty", "name", () -> secrets.create("", "v"));
    var noUser = secrets.creation("x", "v")
        .setScope(SecretCreateParams.Scope.builder().setType(SecretCreateParams.Scope.Type.USER).build()).build();
    invalid("parameter_missing", "scope[user]", () -> secrets.service().create(noUser));
    var extra = secrets.creation("x", "v").putExtraParam("foo", "bar").build();
    invalid("parameter_unknown", "foo", () -> secrets.service().create(extra));
    var past = secrets.creation("x", "v").setExpiresAt(1L).build();
    invalid(null, "expires_at", () -> secrets.service().create(past));
  }

  private static void idempotency() throws Exception {
    var secrets = Secrets.in(Secrets.newUser());
    var key = UUID.randomUUID().toString();
    var first = secrets.create("x", "v1", key);
    var replayed = secrets.create("x", "v1", key);
    equal(replayed.getId(), first.getId());
    var headers = replayed.getLastResponse().headers();
    equal(headers.firstValue("Idempotent-Replayed").orElse(null), "true");
    equal(headers.firstValue("Original-Request").orElse(null), first.getLastResponse().requestId());
    var error = refused(IdempotencyException.class, 400, null, null, () -> secrets.create("x", "v2", key));
    equal(error.getStripeError().getType(), "idempotency_error");
  }

  private static void retries() throws Exception {
    var user = Secrets.newUser();
    var once = new LossyClient(0);
    var client = Secrets.client(Secrets.DEVELOPER_KEY, Secrets.MERCHANT).setHttpClient(once).setMaxNetworkRetries(3).build();
    missing(() -> Secrets.of(client, user).delete("x"));
    equal(once.attempts, 1);

    var losing = new LossyClient(1);
    var retrying = Secrets.client(Secrets.DEVELOPER_KEY, Secrets.MERCHANT).setHttpClient(losing).setMaxNetworkRetries(2).build();
    var created = Secrets.of(retrying, user).create("x", "v");
    equal(losing.attempts, 2);
    equal(created.getLastResponse().headers().firstValue("Idempotent-Replayed").orElse(null), "true");
    equal(Secrets.names(Secrets.in(user).list().getData()), List.of("x"));
  }

  private static void accounts() throws Exception {
    var user = Secrets.newUser();
    var plain = Secrets.of(Secrets.client(Secrets.DEVELOPER_KEY, null).build(), user);
    var byAccount = RequestOptions.builder().setStripeAccount(Secrets.MERCHANT).build();
    var byContext = RequestOptions.builder().setStripeContext(Secrets.MERCHANT).build();
    var created = plain.service().create(plain.creation("x", "v").build(), byAccount);
    equal(created.getLastResponse().headers().firstValue("Stripe-Account").orElse(null), Secrets.MERCHANT);
    equal(plain.service().find(plain.search("x").build(), byContext).getId(), created.getId());
    missing(() -> plain.find("x"));
    for (var key : List.of(OAUTH_TOKEN, RESTRICTED_KEY)) {
      equal(Secrets.of(Secrets.client(key, null).build(), user).find("x").getId(), created.getId());
      equal(Secrets.of(Secrets.client(key, Secrets.MERCHANT).build(), user).find("x").getId(), created.getId());
      var other = Secrets.of(Secrets.client(key, STRANGER).build(), user);
      refused(PermissionException.class, 403, "account_invalid", null, () -> other.find("x"));
    }
  }

  private static void unicode() throws Exception {
    var secrets = Secrets.in(Secrets.newUser());
    for (var row : new String[][] {
        {"ключ 🔑 & key=1+1%20", "päylöad\r\n\t\"\\/<>& ="}, {"null", "null"}, {"longest", "🔐".repeat(5000)}}) {
      secrets.create(row[0], row[1]);
      var found = secrets.find(row[0]);
      equal(List.of(found.getName(), found.getPayload()), List.of(row[0], row[1]));
    }
    var error = refused(InvalidRequestException.class, 400, null, "payload", () -> secrets.create("longer", "🔐".repeat(5001)));
    equal(error.getMessage().contains("🔐"), false);
  }

  private static void expiry() throws Exception {
    var secrets = Secrets.in(Secrets.newUser());
    long expiresAt = Server.now() + 3600;
    var created = secrets.service().create(secrets.creation("x", "v").setExpiresAt(expiresAt).build());
    equal(secrets.find("x").getExpiresAt(), expiresAt);
    Server.advance("2h");
    missing(() -> secrets.find("x"));
    equal(secrets.list().getData(), List.of());
    equal(secrets.create("x", "v").getId().equals(created.getId()), false);
    var expired = Secrets.of(Secrets.client(EXPIRING_KEY, null).build(), null);
    refused(AuthenticationException.class, 401, "api_key_expired", null, () -> expired.find("x"));
  }
}
