import com.stripe.Stripe;
import com.stripe.exception.AuthenticationException;
import com.stripe.exception.IdempotencyException;
import com.stripe.exception.InvalidRequestException;
import com.stripe.exception.PermissionException;
import com.stripe.net.RequestOptions;
import com.stripe.param.apps.SecretCreateParams;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

/** The official Java library, unchanged but for its base URL. */
public final class SecretsTest {
  private static final String STRANGER = "acct_stranger";
  private static final String OAUTH_TOKEN = "sk_test_oauth_java";
  private static final String RESTRICTED_KEY = "rk_test_write_java";
  private static final String READ_KEY = "rk_test_read_java";
  private static final String EXPIRING_KEY = "ek_test_short_java";

  public static void main(String[] arguments) {
    Stripe.enableTelemetry = false;
    Check.check("rules 1 and 4.6: the four operations", SecretsTest::operations);
    Check.check("rules 4.1 and 4.2: replace and the limit", SecretsTest::replace);
    Check.check("rule 4.7: pages", SecretsTest::pages);
    Check.check("rule 4.8: expansion", SecretsTest::expansion);
    Check.check("rule 6: errors by class", SecretsTest::errors);
    Check.check("rule 7.4: idempotency", SecretsTest::idempotency);
    Check.check("rules 7.4 and 7.5: retries", SecretsTest::retries);
    Check.check("rules 5.2 to 5.4 and 5.10: accounts and tokens", SecretsTest::accounts);
    Check.check("rules 3.5 and 3.7: any Unicode", SecretsTest::unicode);
    Check.check("rule 4.4: expiry", SecretsTest::expiry);
    InstallsTest.run();
    System.exit(Check.exitStatus());
  }

  private static void missing(Check.Body call) throws Exception {
    Check.refused(InvalidRequestException.class, 404, "resource_missing", "name", call);
  }

  private static void invalid(String code, String param, Check.Body call) throws Exception {
    Check.refused(InvalidRequestException.class, 400, code, param, call);
  }

  private static void operations() throws Exception {
    for (var user : new String[] {null, Secrets.newUser()}) {
      var secrets = Secrets.in(user);
      var name = "name_" + UUID.randomUUID();
      var created = secrets.create(name, "v1");
      Check.equal(created.getId().matches("appsecret_[A-Za-z0-9]{30}"), true);
      Check.equal(created.getObject(), "apps.secret");
      Check.equal(created.getLivemode(), false);
      Check.equal(Arrays.asList(created.getExpiresAt(), created.getPayload(), created.getDeleted()), Arrays.asList(null, null, null));
      Check.equal(created.getScope().getType(), user == null ? "account" : "user");
      Check.equal(created.getScope().getUser(), user);
      Check.equal(secrets.find(name).getId(), created.getId());
      Check.equal(secrets.find(name).getPayload(), "v1");
      Check.equal(Secrets.names(secrets.list().getData()).contains(name), true);
      var deleted = secrets.delete(name);
      Check.equal(List.of(deleted.getId(), deleted.getDeleted()), List.of(created.getId(), true));
      missing(() -> secrets.find(name));
      missing(() -> secrets.delete(name));
    }
  }

  private static void replace() throws Exception {
    var secrets = Secrets.in(Secrets.newUser());
    long expiresAt = Server.now() + 1_000_000;
    secrets.fill(9);
    var first = secrets.service().create(secrets.creation("x", "v1").setExpiresAt(expiresAt).build());
    Check.equal(first.getExpiresAt(), expiresAt);
    var second = secrets.create("x", "v2");
    Check.equal(Arrays.asList(second.getId(), second.getCreated(), second.getExpiresAt()),
        Arrays.asList(first.getId(), first.getCreated(), null));
    Check.equal(secrets.find("x").getPayload(), "v2");
    invalid(null, "name", () -> secrets.create("y", "v"));
  }

  private static void pages() throws Exception {
    var secrets = Secrets.in(Secrets.newUser());
    var names = secrets.fill(10);
    var page = secrets.service().list(secrets.listing().setLimit(3L).build());
    Check.equal(Secrets.names(page.getData()), names.subList(0, 3));
    Check.equal(List.of(page.getHasMore(), page.getUrl()), List.of(true, "/v1/apps/secrets"));
    Check.equal(Secrets.names(page.autoPagingIterable()), names);
    // The library's own pager only goes forwards, so backwards is one page.
    var oldest = secrets.find("name_0").getId();
    var back = secrets.service().list(secrets.listing().setLimit(3L).setEndingBefore(oldest).build());
    Check.equal(Secrets.names(back.getData()), names.subList(6, 9));
    Check.equal(back.getHasMore(), true);
    var unknown = secrets.listing().setStartingAfter("appsecret_x").build();
    invalid("resource_missing", "starting_after", () -> secrets.service().list(unknown));
  }

  private static void expansion() throws Exception {
    var secrets = Secrets.in(Secrets.newUser());
    secrets.fill(2);
    var page = secrets.service().list(secrets.listing().addExpand("data.payload").build());
    Check.equal(page.getData().get(0).getPayload(), "payload of name_1");
    Check.equal(secrets.list().getData().get(0).getPayload(), null);
    var deleted = secrets.service().deleteWhere(secrets.removal("name_0").addExpand("payload").build());
    Check.equal(deleted.getPayload(), "payload of name_0");
    invalid(null, null, () -> secrets.service().find(secrets.search("name_1").addExpand("foo").build()));
  }

  private static void errors() throws Exception {
    var user = Secrets.newUser();
    var unknown = Secrets.of(Secrets.client("sk_live_unknownUnknown1234", Secrets.MERCHANT).build(), user);
    var error = Check.refused(AuthenticationException.class, 401, null, null, () -> unknown.find("x"));
    Check.equal(error.getStripeError().getMessage(), "Invalid API Key provided: sk_live_****1234");
    var publishable = Secrets.of(Secrets.client("pk_test_anything", null).build(), user);
    Check.refused(AuthenticationException.class, 401, "secret_key_required", null, () -> publishable.find("x"));
    var stranger = Secrets.of(Secrets.client(Secrets.DEVELOPER_KEY, STRANGER).build(), user);
    Check.refused(PermissionException.class, 403, "account_invalid", null, () -> stranger.find("x"));
    var reader = Secrets.of(Secrets.client(READ_KEY, null).build(), user);
    Check.equal(reader.list().getData(), List.of());
    Check.refused(PermissionException.class, 403, "more_permissions_required", null, () -> reader.create("x", "v"));

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
    Check.equal(replayed.getId(), first.getId());
    var headers = replayed.getLastResponse().headers();
    Check.equal(headers.firstValue("Idempotent-Replayed").orElse(null), "true");
    Check.equal(headers.firstValue("Original-Request").orElse(null), first.getLastResponse().requestId());
    var error = Check.refused(IdempotencyException.class, 400, null, null, () -> secrets.create("x", "v2", key));
    Check.equal(error.getStripeError().getType(), "idempotency_error");
  }

  private static void retries() throws Exception {
    var user = Secrets.newUser();
    var once = new LossyClient(0);
    var client = Secrets.client(Secrets.DEVELOPER_KEY, Secrets.MERCHANT).setHttpClient(once).setMaxNetworkRetries(3).build();
    missing(() -> Secrets.of(client, user).delete("x"));
    Check.equal(once.attempts, 1);

    var losing = new LossyClient(1);
    var retrying = Secrets.client(Secrets.DEVELOPER_KEY, Secrets.MERCHANT).setHttpClient(losing).setMaxNetworkRetries(2).build();
    var created = Secrets.of(retrying, user).create("x", "v");
    Check.equal(losing.attempts, 2);
    Check.equal(created.getLastResponse().headers().firstValue("Idempotent-Replayed").orElse(null), "true");
    Check.equal(Secrets.names(Secrets.in(user).list().getData()), List.of("x"));
  }

  private static void accounts() throws Exception {
    var user = Secrets.newUser();
    var plain = Secrets.of(Secrets.client(Secrets.DEVELOPER_KEY, null).build(), user);
    var byAccount = RequestOptions.builder().setStripeAccount(Secrets.MERCHANT).build();
    var byContext = RequestOptions.builder().setStripeContext(Secrets.MERCHANT).build();
    var created = plain.service().create(plain.creation("x", "v").build(), byAccount);
    Check.equal(created.getLastResponse().headers().firstValue("Stripe-Account").orElse(null), Secrets.MERCHANT);
    Check.equal(plain.service().find(plain.search("x").build(), byContext).getId(), created.getId());
    missing(() -> plain.find("x"));
    for (var key : List.of(OAUTH_TOKEN, RESTRICTED_KEY)) {
      Check.equal(Secrets.of(Secrets.client(key, null).build(), user).find("x").getId(), created.getId());
      Check.equal(Secrets.of(Secrets.client(key, Secrets.MERCHANT).build(), user).find("x").getId(), created.getId());
      var other = Secrets.of(Secrets.client(key, STRANGER).build(), user);
      Check.refused(PermissionException.class, 403, "account_invalid", null, () -> other.find("x"));
    }
  }

  private static void unicode() throws Exception {
    var secrets = Secrets.in(Secrets.newUser());
    for (var row : new String[][] {
        {"ключ 🔑 & key=1+1%20", "päylöad\r\n\t\"\\/<>& ="}, {"null", "null"}, {"longest", "🔐".repeat(5000)}}) {
      secrets.create(row[0], row[1]);
      var found = secrets.find(row[0]);
      Check.equal(List.of(found.getName(), found.getPayload()), List.of(row[0], row[1]));
    }
    var error = Check.refused(InvalidRequestException.class, 400, null, "payload", () -> secrets.create("longer", "🔐".repeat(5001)));
    Check.equal(error.getMessage().contains("🔐"), false);
  }

  private static void expiry() throws Exception {
    var secrets = Secrets.in(Secrets.newUser());
    long expiresAt = Server.now() + 3600;
    var created = secrets.service().create(secrets.creation("x", "v").setExpiresAt(expiresAt).build());
    Check.equal(secrets.find("x").getExpiresAt(), expiresAt);
    Server.advance("2h");
    missing(() -> secrets.find("x"));
    Check.equal(secrets.list().getData(), List.of());
    Check.equal(secrets.create("x", "v").getId().equals(created.getId()), false);
    var expired = Secrets.of(Secrets.client(EXPIRING_KEY, null).build(), null);
    Check.refused(AuthenticationException.class, 401, "api_key_expired", null, () -> expired.find("x"));
  }
}
