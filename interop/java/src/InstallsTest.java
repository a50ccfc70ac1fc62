import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.stripe.Stripe;
import com.stripe.StripeClient;
import com.stripe.exception.InvalidRequestException;
import com.stripe.exception.PermissionException;
import com.stripe.exception.StripeException;
import com.stripe.exception.oauth.InvalidClientException;
import com.stripe.exception.oauth.InvalidGrantException;
import com.stripe.exception.oauth.InvalidScopeException;
import com.stripe.exception.oauth.OAuthException;
import com.stripe.exception.oauth.UnsupportedGrantTypeException;
import com.stripe.net.ApiResource.RequestMethod;
import com.stripe.net.OAuth;
import com.stripe.net.RawRequestOptions;
import com.stripe.net.RequestOptions;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Installs by raw requests, because this library has no resource of them, and OAuth by its own helpers. */
final class InstallsTest {
  private static final String MAKER_KEY = "sk_test_interop_maker";
  private static final String STUDIO_KEY = "sk_test_interop_studio";
  private static final String SHOP = "acct_shop";
  private static final String SHOP_KEY = "sk_test_interop_shop";
  private static final String STRANGER = "acct_stranger";
  private static final String OAUTH_TOKEN = "sk_test_oauth_java";
  private static final String CATALOG = "com.example.catalog";
  private static final String CATALOG_CLIENT = "ca_catalogCatalogCatalogCatalog0001";
  private static final String INSTALLS = "/v1/apps/installs";

  private InstallsTest() {}

  static void run() {
    Stripe.overrideConnectBase(Server.URL);
    Check.check("rules 10.1 to 10.5: an install by raw requests", InstallsTest::life);
    Check.check("rule 18: errors of raw requests", InstallsTest::errors);
    Check.check("rules 15.5 to 15.8: tokens", InstallsTest::tokens);
    Check.check("rule 15.14: OAuth errors by class", InstallsTest::oauthErrors);
    Check.check("rule 15.16: deauthorization", InstallsTest::deauthorization);
    Check.check("rule 15.11: authorizeUrl", InstallsTest::links);
  }

  /** Sends what this library has no resource for. */
  private static JsonObject raw(String key, String account, RequestMethod method, String path, String form)
      throws StripeException {
    var client = StripeClient.builder().setApiKey(key).setApiBase(Server.URL).build();
    var options = RawRequestOptions.builder().setStripeAccount(account).build();
    return JsonParser.parseString(client.rawRequest(method, path, form, options).body()).getAsJsonObject();
  }

  /** The maker's app on the shop: put there, or found there. */
  private static JsonObject install() throws StripeException {
    return raw(MAKER_KEY, SHOP, RequestMethod.POST, INSTALLS, "app=" + CATALOG);
  }

  private static String code() throws StripeException {
    return install().get("auth_code").getAsString();
  }

  private static RequestOptions by(String key) {
    return RequestOptions.builder().setApiKey(key).setClientId(CATALOG_CLIENT).build();
  }

  /** The answer as JSON: the library's class of it names neither the access token nor the refresh token. */
  private static JsonObject token(String key, Map<String, Object> params) throws StripeException {
    return OAuth.token(new LinkedHashMap<>(params), by(key)).getRawJsonObject();
  }

  private static JsonObject exchange(String code) throws StripeException {
    return token(MAKER_KEY, Map.of("grant_type", "authorization_code", "code", code));
  }

  private static JsonObject refresh(JsonObject pair) throws StripeException {
    var token = pair.get("refresh_token").getAsString();
    return token(MAKER_KEY, Map.of("grant_type", "refresh_token", "refresh_token", token));
  }

  private static void works(JsonObject pair) throws StripeException {
    var client = Secrets.client(pair.get("access_token").getAsString(), null).build();
    Check.equal(Secrets.of(client, Secrets.newUser()).list().getData(), List.of());
  }

  /** Fails unless the call is refused with exactly this class, word and status; answers the description. */
  private static String denied(Class<? extends OAuthException> kind, String word, int status, Check.Body call)
      throws Exception {
    try {
      call.run();
    } catch (OAuthException error) {
      Check.equal(
          List.of(error.getClass(), error.getStatusCode(), error.getOauthError().getError()), List.of(kind, status, word));
      return error.getOauthError().getErrorDescription();
    }
    throw new AssertionError("the server accepted it");
  }

  private static void life() throws Exception {
    var created = install();
    var id = created.get("id").getAsString();
    Check.equal(id.matches("appinst_test_[A-Za-z0-9]{32}"), true);
    Check.equal(created.get("auth_code").getAsString().matches("ac_[A-Za-z0-9]{32}"), true);
    var shown = created.deepCopy();
    shown.add("auth_code", com.google.gson.JsonNull.INSTANCE);
    var listed = raw(SHOP_KEY, null, RequestMethod.GET, INSTALLS + "?app=" + CATALOG, null);
    Check.equal(listed.getAsJsonArray("data").get(0), shown);
    Check.equal(listed.getAsJsonArray("data").size(), 1);
    Check.equal(raw(SHOP_KEY, null, RequestMethod.GET, INSTALLS + "/" + id, null), shown);
    Check.equal(raw(SHOP_KEY, null, RequestMethod.POST, INSTALLS + "/" + id, ""), shown);
    var gone = raw(MAKER_KEY, SHOP, RequestMethod.POST, INSTALLS + "/" + id + "/uninstall", "");
    shown.addProperty("status", "uninstalling");
    Check.equal(gone, shown);
    var error = Check.refused(InvalidRequestException.class, 404, "resource_missing", "id",
        () -> raw(SHOP_KEY, null, RequestMethod.GET, INSTALLS + "/" + id, null));
    Check.equal(error.getStripeError().getMessage(), "No such install: '" + id + "'");
    Check.equal(install().get("id").getAsString().equals(id), false);
  }

  private static void errors() throws Exception {
    Check.refused(InvalidRequestException.class, 400, "parameter_missing", "app",
        () -> raw(SHOP_KEY, null, RequestMethod.POST, INSTALLS, ""));
    Check.refused(InvalidRequestException.class, 400, null, "channel",
        () -> raw(SHOP_KEY, null, RequestMethod.POST, INSTALLS, "app=com.example.inventory"));
    Check.refused(PermissionException.class, 403, "account_invalid", null,
        () -> raw(MAKER_KEY, STRANGER, RequestMethod.POST, INSTALLS, "app=" + CATALOG));
    Check.refused(PermissionException.class, 403, "more_permissions_required", null,
        () -> raw(OAUTH_TOKEN, null, RequestMethod.GET, INSTALLS, null));
  }

  private static void tokens() throws Exception {
    var first = exchange(code());
    Check.equal(List.copyOf(first.keySet()), List.of("access_token", "livemode", "refresh_token", "scope",
        "stripe_publishable_key", "stripe_user_id", "token_type"));
    works(first);
    var second = refresh(first);
    works(second);
    denied(InvalidGrantException.class, "invalid_grant", 400, () -> refresh(first));
    works(second);
    Server.advance("61s");
    denied(InvalidGrantException.class, "invalid_grant", 400, () -> refresh(first));
    denied(InvalidGrantException.class, "invalid_grant", 400, () -> refresh(second));
    var used = code();
    exchange(used);
    var said = denied(InvalidGrantException.class, "invalid_grant", 400, () -> exchange(used));
    Check.equal(said.endsWith("All tokens issued with this code have been revoked."), true);
  }

  private static void oauthErrors() throws Exception {
    denied(com.stripe.exception.oauth.InvalidRequestException.class, "invalid_request", 400,
        () -> token(MAKER_KEY, Map.of("grant_type", "authorization_code")));
    denied(UnsupportedGrantTypeException.class, "unsupported_grant_type", 400,
        () -> token(MAKER_KEY, Map.of("grant_type", "password")));
    denied(InvalidScopeException.class, "invalid_scope", 400,
        () -> token(MAKER_KEY, Map.of("grant_type", "refresh_token", "refresh_token", "rt_x", "scope", "read_write")));
    denied(InvalidClientException.class, "invalid_client", 401,
        () -> token(MAKER_KEY, Map.of("grant_type", "authorization_code", "code", "ac_x", "client_secret", STUDIO_KEY)));
    Check.refused(PermissionException.class, 403, "more_permissions_required", null,
        () -> token(OAUTH_TOKEN, Map.of("grant_type", "authorization_code", "code", "ac_x")));
  }

  private static void deauthorization() throws Exception {
    var id = install().get("id").getAsString();
    var said = denied(InvalidClientException.class, "invalid_client", 401,
        () -> OAuth.deauthorize(new LinkedHashMap<>(Map.of("stripe_user_id", STRANGER)), by(MAKER_KEY)));
    Check.equal(said.contains(STRANGER), true);
    var done = OAuth.deauthorize(new LinkedHashMap<>(Map.of("stripe_user_id", SHOP)), by(MAKER_KEY));
    Check.equal(done.getStripeUserId(), SHOP);
    Check.refused(InvalidRequestException.class, 404, "resource_missing", "id",
        () -> raw(SHOP_KEY, null, RequestMethod.GET, INSTALLS + "/" + id, null));
  }

  private static void links() throws Exception {
    for (var row : Map.of("https://catalog.example/callback", 200, "https://other.example/", 400).entrySet()) {
      var params = new LinkedHashMap<String, Object>(Map.of("redirect_uri", row.getKey(), "state", "é &=?"));
      var url = OAuth.authorizeUrl(params, by(MAKER_KEY));
      Check.equal(url.startsWith(Server.URL + "/oauth/authorize?"), true);
      var request = HttpRequest.newBuilder(URI.create(url)).build();
      var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
      Check.equal(answer.statusCode(), row.getValue());
    }
  }
}
