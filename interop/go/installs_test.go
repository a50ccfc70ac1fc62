package interop

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v86"
	"github.com/stripe/stripe-go/v86/oauth"
	"github.com/stripe/stripe-go/v86/rawrequest"
)

const (
	makerKey      = "sk_test_interop_maker"
	shop          = "acct_shop"
	shopKey       = "sk_test_interop_shop"
	catalog       = "com.example.catalog"
	catalogID     = "app_catalogCatalogCatalogCatalog0001"
	catalogClient = "ca_catalogCatalogCatalogCatalog0001"
	inventory     = "com.example.inventory"
	installsPath  = "/v1/apps/installs"
)

// install is the object as this library's version has none.
type install struct {
	ID                 string   `json:"id"`
	Object             string   `json:"object"`
	Account            string   `json:"account"`
	App                string   `json:"app"`
	AuthCode           *string  `json:"auth_code"`
	Channel            string   `json:"channel"`
	PermissionsGranted []string `json:"permissions_granted"`
	Status             string   `json:"status"`
}

// raw sends what this library has no resource for, and decodes the answer.
func (s suite) raw(key, account, method, path string, form url.Values, answer any) error {
	backend, ok := stripe.GetBackendWithConfig(stripe.APIBackend, configuration(s.url, s.sender, 0)).(stripe.RawRequestBackend)
	if !ok {
		return errors.New("the backend takes no raw requests")
	}
	params := &stripe.RawParams{}
	if account != "" {
		params.SetStripeAccount(account)
	}
	content := form.Encode()
	if method == http.MethodGet && content != "" {
		path, content = path+"?"+content, ""
	}
	response, err := rawrequest.Client{B: backend, Key: key}.RawRequest(method, path, content, params)
	if err != nil {
		return err
	}
	return json.Unmarshal(response.RawJSON, answer)
}

// install puts the maker's app on the shop, or finds it there.
func (s suite) install(t *testing.T) (created install) {
	t.Helper()
	if err := s.raw(makerKey, shop, http.MethodPost, installsPath, url.Values{"app": {catalog}}, &created); err != nil {
		t.Fatal(err)
	}
	return created
}

func (s suite) oauth(key string) oauth.Client {
	return oauth.Client{B: stripe.GetBackendWithConfig(stripe.ConnectBackend, configuration(s.url, s.sender, 0)), Key: key}
}

// token exchanges a code or refreshes. The library sends the key once more, in the body.
func (s suite) token(key string, params *stripe.OAuthTokenParams) (*stripe.OAuthToken, error) {
	params.ClientSecret = &key
	return s.oauth(key).New(params)
}

func byCode(code string) *stripe.OAuthTokenParams {
	return &stripe.OAuthTokenParams{GrantType: stripe.String("authorization_code"), Code: &code}
}

func byRefresh(token string) *stripe.OAuthTokenParams {
	return &stripe.OAuthTokenParams{GrantType: stripe.String("refresh_token"), RefreshToken: &token}
}

// denied fails unless err is the OAuth error called word; answers its description.
func denied(t *testing.T, err error, word string, status int) string {
	t.Helper()
	var caught *stripe.Error
	if !errors.As(err, &caught) {
		t.Fatalf("no error of the server: %v", err)
	}
	if caught.OAuthError != word || caught.HTTPStatusCode != status {
		t.Errorf("%d %q instead of %d %q: %s", caught.HTTPStatusCode, caught.OAuthError, status, word, caught.OAuthErrorDescription)
	}
	return caught.OAuthErrorDescription
}

func (s suite) works(t *testing.T, token string) {
	t.Helper()
	user := newUser()
	params := findParams(user, "x")
	params.StripeAccount = nil
	_, err := s.with(token).V1AppsSecrets.Find(t.Context(), params)
	refused(t, err, missing)
}

func TestRule10InstallsByRawRequests(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		created := s.install(t)
		if !regexp.MustCompile(`^appinst_test_[A-Za-z0-9]{32}$`).MatchString(created.ID) {
			t.Errorf("id %q", created.ID)
		}
		if created.AuthCode == nil || !strings.HasPrefix(*created.AuthCode, "ac_") {
			t.Error("no code")
		}
		want := install{
			ID: created.ID, Object: "apps.install", Account: shop, App: catalogID, Channel: "public",
			PermissionsGranted: []string{"event_read", "secret_write"}, Status: "installed",
		}
		var list struct{ Data []install }
		if err := s.raw(shopKey, "", http.MethodGet, installsPath, url.Values{"app": {catalogID}}, &list); err != nil {
			t.Fatal(err)
		}
		equal(t, "list", list.Data, []install{want})
		one := installsPath + "/" + created.ID
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			var found install
			if err := s.raw(shopKey, "", method, one, nil, &found); err != nil {
				t.Fatal(err)
			}
			equal(t, method, found, want)
		}
		var gone install
		if err := s.raw(makerKey, shop, http.MethodPost, one+"/uninstall", nil, &gone); err != nil {
			t.Fatal(err)
		}
		want.Status = "uninstalling"
		equal(t, "uninstalled", gone, want)
		caught := refused(t, s.raw(shopKey, "", http.MethodGet, one, nil, &gone), refusal{status: 404, code: "resource_missing", param: "id"})
		equal(t, "message", caught.Msg, "No such install: '"+created.ID+"'")
		if again := s.install(t); again.ID == created.ID {
			t.Error("the id came back")
		}
	})
}

func TestRule18ErrorsOfRawRequests(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		for _, row := range []struct {
			key, account string
			form         url.Values
			want         refusal
		}{
			{shopKey, "", nil, refusal{status: 400, code: "parameter_missing", param: "app"}},
			{shopKey, "", url.Values{"app": {inventory}}, refusal{status: 400, param: "channel"}},
			{shopKey, "", url.Values{"app": {"app_x"}, "channel": {"private_test"}}, refusal{status: 404, code: "resource_missing", param: "app"}},
			{makerKey, stranger, url.Values{"app": {catalog}}, refusal{status: 403, code: "account_invalid"}},
			{oauthToken, "", url.Values{"app": {catalog}, "channel": {"private_test"}}, refusal{status: 403, code: "more_permissions_required"}},
		} {
			var created install
			refused(t, s.raw(row.key, row.account, http.MethodPost, installsPath, row.form, &created), row.want)
		}
	})
}

func TestRule15OAuth(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		code := *s.install(t).AuthCode
		first, err := s.token(makerKey, byCode(code))
		if err != nil {
			t.Fatal(err)
		}
		said := []any{first.Livemode, string(first.Scope), first.StripeUserID, string(first.TokenType), first.StripePublishableKey}
		if want := []any{false, "stripe_apps", shop, "bearer", "pk_test_interop_shop"}; !reflect.DeepEqual(said, want) {
			t.Errorf("%v instead of %v", said, want)
		}
		s.works(t, first.AccessToken)
		second, err := s.token(makerKey, byRefresh(first.RefreshToken))
		if err != nil {
			t.Fatal(err)
		}
		s.works(t, second.AccessToken)
		_, err = s.token(makerKey, byRefresh(first.RefreshToken))
		denied(t, err, "invalid_grant", 400)
		advance(t, "61s")
		_, err = s.token(makerKey, byRefresh(first.RefreshToken))
		denied(t, err, "invalid_grant", 400)
		_, err = s.token(makerKey, byRefresh(second.RefreshToken))
		denied(t, err, "invalid_grant", 400)

		used := *s.install(t).AuthCode
		if _, err = s.token(makerKey, byCode(used)); err != nil {
			t.Fatal(err)
		}
		_, err = s.token(makerKey, byCode(used))
		if said := denied(t, err, "invalid_grant", 400); !strings.HasSuffix(said, "All tokens issued with this code have been revoked.") {
			t.Error(said)
		}
		_, err = s.token(makerKey, &stripe.OAuthTokenParams{GrantType: stripe.String("password")})
		denied(t, err, "unsupported_grant_type", 400)
		_, err = s.token(makerKey, byCode(""))
		denied(t, err, "invalid_request", 400)
		wrong := byCode("ac_x")
		wrong.ClientSecret = stripe.String("sk_test_interop_studio")
		_, err = s.oauth(makerKey).New(wrong)
		denied(t, err, "invalid_client", 401)
	})
}

func TestRule15_16Deauthorization(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		created := s.install(t)
		params := func(account string) *stripe.DeauthorizeParams {
			return &stripe.DeauthorizeParams{ClientID: stripe.String(catalogClient), StripeUserID: &account}
		}
		_, err := s.oauth(makerKey).Del(params(stranger))
		denied(t, err, "invalid_client", 401)
		done, err := s.oauth(makerKey).Del(params(shop))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "account", done.StripeUserID, shop)
		var gone install
		err = s.raw(shopKey, "", http.MethodGet, installsPath+"/"+created.ID, nil, &gone)
		refused(t, err, refusal{status: 404, code: "resource_missing", param: "id"})
	})
}

func TestRule15_11AuthorizeURL(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		for _, row := range []struct {
			client, redirect string
			status           int
		}{
			{catalogClient, "https://catalog.example/callback", 200},
			{catalogClient, "https://other.example/", 400},
			{"ca_x", "https://catalog.example/callback", 400},
		} {
			built, err := url.Parse(s.oauth(makerKey).AuthorizeURL(&stripe.AuthorizeURLParams{
				ClientID: &row.client, RedirectURI: &row.redirect, State: stripe.String("é &=?"), ResponseType: stripe.String("code"),
			}))
			if err != nil {
				t.Fatal(err)
			}
			// The library makes it of Stripe's own host, whatever the backend's is.
			equal(t, "host", built.Host, "connect.stripe.com")
			answer, err := (&http.Client{Transport: s.sender}).Get(s.url + built.RequestURI())
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			equal(t, "status", answer.StatusCode, row.status)
		}
	})
}
