import com.stripe.StripeClient;
import com.stripe.exception.StripeException;
import com.stripe.model.StripeCollection;
import com.stripe.model.apps.Secret;
import com.stripe.net.RequestOptions;
import com.stripe.param.apps.SecretCreateParams;
import com.stripe.param.apps.SecretDeleteWhereParams;
import com.stripe.param.apps.SecretFindParams;
import com.stripe.param.apps.SecretListParams;
import com.stripe.service.apps.SecretService;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;

/** The four operations of one credential in one scope: the account's where {@code user} is null. */
record Secrets(SecretService service, String user) {
  static final String DEVELOPER_KEY = "sk_test_interop_java";
  static final String MERCHANT = "acct_javaMerchant";

  static StripeClient.StripeClientBuilder client(String key, String account) {
    return StripeClient.builder().setApiKey(key).setApiBase(Server.URL).setStripeAccount(account);
  }

  static Secrets of(StripeClient client, String user) {
    return new Secrets(client.v1().apps().secrets(), user);
  }

  static Secrets in(String user) {
    return of(client(DEVELOPER_KEY, MERCHANT).build(), user);
  }

  static String newUser() {
    return "usr_" + UUID.randomUUID();
  }

  SecretCreateParams.Builder creation(String name, String payload) {
    var type = user == null ? SecretCreateParams.Scope.Type.ACCOUNT : SecretCreateParams.Scope.Type.USER;
    var scope = SecretCreateParams.Scope.builder().setType(type).setUser(user).build();
    return SecretCreateParams.builder().setName(name).setPayload(payload).setScope(scope);
  }

  SecretFindParams.Builder search(String name) {
    var type = user == null ? SecretFindParams.Scope.Type.ACCOUNT : SecretFindParams.Scope.Type.USER;
    var scope = SecretFindParams.Scope.builder().setType(type).setUser(user).build();
    return SecretFindParams.builder().setName(name).setScope(scope);
  }

  SecretListParams.Builder listing() {
    var type = user == null ? SecretListParams.Scope.Type.ACCOUNT : SecretListParams.Scope.Type.USER;
    return SecretListParams.builder().setScope(SecretListParams.Scope.builder().setType(type).setUser(user).build());
  }

  SecretDeleteWhereParams.Builder removal(String name) {
    var type = user == null ? SecretDeleteWhereParams.Scope.Type.ACCOUNT : SecretDeleteWhereParams.Scope.Type.USER;
    var scope = SecretDeleteWhereParams.Scope.builder().setType(type).setUser(user).build();
    return SecretDeleteWhereParams.builder().setName(name).setScope(scope);
  }

  Secret create(String name, String payload) throws StripeException {
    return service.create(creation(name, payload).build());
  }

  Secret create(String name, String payload, String idempotencyKey) throws StripeException {
    var options = RequestOptions.builder().setIdempotencyKey(idempotencyKey).build();
    return service.create(creation(name, payload).build(), options);
  }

  Secret find(String name) throws StripeException {
    return service.find(search(name).addExpand("payload").build());
  }

  Secret delete(String name) throws StripeException {
    return service.deleteWhere(removal(name).build());
  }

  StripeCollection<Secret> list() throws StripeException {
    return service.list(listing().build());
  }

  static List<String> names(Iterable<Secret> secrets) {
    var names = new ArrayList<String>();
    secrets.forEach(secret -> names.add(secret.getName()));
    return names;
  }

  /** Stores {@code count} secrets and answers their names, newest first. */
  List<String> fill(int count) throws StripeException {
    var names = new ArrayList<String>();
    for (int index = 0; index < count; index++) {
      names.add("name_" + index);
      create("name_" + index, "payload of name_" + index);
    }
    Collections.reverse(names);
    return names;
  }
}
