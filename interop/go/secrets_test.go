// Package interop drives a running server with the official Go library.
package interop

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v86"
)

// suite is one way to reach the server.
type suite struct {
	url    string
	sender *transport
	*stripe.Client
}

func suites(t *testing.T, run func(t *testing.T, s suite)) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			url, inner := plain()
			if protocol == "HTTP/2.0" {
				url, inner = secure(t)
			}
			s := suite{url: url, sender: &transport{inner: inner}}
			s.Client = s.with(developerKey)
			run(t, s)
			if seen := s.sender.protocol.Load(); seen != protocol {
				t.Errorf("spoke %v", seen)
			}
		})
	}
}

func (s suite) with(key string) *stripe.Client { return client(s.url, s.sender, key, 0) }

// scope is the account's where user is empty.
func scope(user string) (kind string, id *string) {
	if user == "" {
		return "account", nil
	}
	return "user", &user
}

func createParams(user, name, payload string) *stripe.AppsSecretCreateParams {
	kind, id := scope(user)
	params := &stripe.AppsSecretCreateParams{
		Name: &name, Payload: &payload, Scope: &stripe.AppsSecretCreateScopeParams{Type: &kind, User: id},
	}
	params.SetStripeAccount(merchant)
	return params
}

func findParams(user, name string) *stripe.AppsSecretFindParams {
	kind, id := scope(user)
	params := &stripe.AppsSecretFindParams{Name: &name, Scope: &stripe.AppsSecretFindScopeParams{Type: &kind, User: id}}
	params.SetStripeAccount(merchant)
	return params
}

func deleteParams(user, name string) *stripe.AppsSecretDeleteWhereParams {
	kind, id := scope(user)
	params := &stripe.AppsSecretDeleteWhereParams{
		Name: &name, Scope: &stripe.AppsSecretDeleteWhereScopeParams{Type: &kind, User: id},
	}
	params.SetStripeAccount(merchant)
	return params
}

func listParams(user string) *stripe.AppsSecretListParams {
	kind, id := scope(user)
	params := &stripe.AppsSecretListParams{Scope: &stripe.AppsSecretListScopeParams{Type: &kind, User: id}}
	params.SetStripeAccount(merchant)
	return params
}

func (s suite) create(t *testing.T, params *stripe.AppsSecretCreateParams) *stripe.AppsSecret {
	t.Helper()
	return must(t)(s.V1AppsSecrets.Create(t.Context(), params))
}

func (s suite) find(t *testing.T, user, name string) *stripe.AppsSecret {
	t.Helper()
	params := findParams(user, name)
	params.AddExpand("payload")
	return must(t)(s.V1AppsSecrets.Find(t.Context(), params))
}

func must(t *testing.T) func(secret *stripe.AppsSecret, err error) *stripe.AppsSecret {
	return func(secret *stripe.AppsSecret, err error) *stripe.AppsSecret {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
}

// names follows every page, by itself.
func names(t *testing.T, c *stripe.Client, params *stripe.AppsSecretListParams) []string {
	t.Helper()
	found := []string{}
	for secret, err := range c.V1AppsSecrets.List(t.Context(), params).All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, secret.Name)
	}
	return found
}

func (s suite) fill(t *testing.T, user string, count int) []string {
	t.Helper()
	var filled []string
	for index := range count {
		name := fmt.Sprintf("name_%d", index)
		s.create(t, createParams(user, name, "payload of "+name))
		filled = append(filled, name)
	}
	slices.Reverse(filled)
	return filled
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, not %v", what, got, want)
	}
}

// refusal is what an error says; the zero type stands for an invalid request.
type refusal struct {
	status int
	kind   stripe.ErrorType
	code   stripe.ErrorCode
	param  string
}

var requestID = regexp.MustCompile(`^req_[A-Za-z0-9]{14}$`)

func refused(t *testing.T, err error, want refusal) *stripe.Error {
	t.Helper()
	if want.kind == "" {
		want.kind = stripe.ErrorTypeInvalidRequest
	}
	var caught *stripe.Error
	if !errors.As(err, &caught) {
		t.Fatalf("no error of the server: %v", err)
	}
	equal(t, "refusal", refusal{caught.HTTPStatusCode, caught.Type, caught.Code, caught.Param}, want)
	if !requestID.MatchString(caught.RequestID) {
		t.Errorf("request id %q", caught.RequestID)
	}
	return caught
}

var missing = refusal{status: 404, code: "resource_missing", param: "name"}

func TestRule1And4_6TheFourOperations(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		for _, user := range []string{"", newUser()} {
			name := "name_" + rand.Text()
			created := s.create(t, createParams(user, name, "v1"))
			if !regexp.MustCompile(`^appsecret_[A-Za-z0-9]{30}$`).MatchString(created.ID) {
				t.Errorf("id %q", created.ID)
			}
			kind, _ := scope(user)
			equal(t, "scope", *created.Scope, stripe.AppsSecretScope{Type: stripe.AppsSecretScopeType(kind), User: user})
			equal(t, "object, livemode, payload", []any{created.Object, created.Livemode, created.Payload}, []any{"apps.secret", false, ""})
			found := s.find(t, user, name)
			equal(t, "found", []any{found.ID, found.Payload}, []any{created.ID, "v1"})
			if !slices.Contains(names(t, s.Client, listParams(user)), name) {
				t.Error("the list lacks it")
			}
			deleted := must(t)(s.V1AppsSecrets.DeleteWhere(t.Context(), deleteParams(user, name)))
			equal(t, "deleted", []any{deleted.ID, deleted.Deleted}, []any{created.ID, true})
			_, err := s.V1AppsSecrets.Find(t.Context(), findParams(user, name))
			refused(t, err, missing)
			_, err = s.V1AppsSecrets.DeleteWhere(t.Context(), deleteParams(user, name))
			refused(t, err, missing)
		}
	})
}

func TestRule4_1And4_2ReplaceAndTheLimit(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		user, expiresAt := newUser(), now(t)+1_000_000
		s.fill(t, user, 9)
		params := createParams(user, "x", "v1")
		params.ExpiresAt = &expiresAt
		first := s.create(t, params)
		equal(t, "expires_at", first.ExpiresAt, expiresAt)
		second := s.create(t, createParams(user, "x", "v2"))
		equal(t, "replaced", []any{second.ID, second.Created, second.ExpiresAt}, []any{first.ID, first.Created, int64(0)})
		equal(t, "payload", s.find(t, user, "x").Payload, "v2")
		_, err := s.V1AppsSecrets.Create(t.Context(), createParams(user, "y", "v"))
		refused(t, err, refusal{status: 400, param: "name"})
	})
}

func TestRule4_7PagesForwardsAndBackwards(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		user := newUser()
		filled := s.fill(t, user, 10)
		params := listParams(user)
		params.Limit = stripe.Int64(3)
		page := s.V1AppsSecrets.List(t.Context(), params)
		equal(t, "page", []any{len(page.Data()), page.Meta().HasMore, page.Meta().URL}, []any{3, true, "/v1/apps/secrets"})
		params = listParams(user)
		params.Limit = stripe.Int64(3)
		equal(t, "forwards", names(t, s.Client, params), filled)
		params = listParams(user)
		params.Limit = stripe.Int64(3)
		params.EndingBefore = stripe.String(s.find(t, user, "name_0").ID)
		backwards := slices.Clone(filled[:9])
		slices.Reverse(backwards)
		equal(t, "backwards", names(t, s.Client, params), backwards)
		params = listParams(user)
		params.StartingAfter = stripe.String("appsecret_x")
		err := s.V1AppsSecrets.List(t.Context(), params).Err()
		refused(t, err, refusal{status: 400, code: "resource_missing", param: "starting_after"})
	})
}

func TestRule4_8Expansion(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		user := newUser()
		s.fill(t, user, 2)
		params := listParams(user)
		params.AddExpand("data.payload")
		page := s.V1AppsSecrets.List(t.Context(), params).Data()
		equal(t, "payloads", []string{page[0].Payload, page[1].Payload}, []string{"payload of name_1", "payload of name_0"})
		removal := deleteParams(user, "name_0")
		removal.AddExpand("payload")
		deleted := must(t)(s.V1AppsSecrets.DeleteWhere(t.Context(), removal))
		equal(t, "deleted", deleted.Payload, "payload of name_0")
		wrong := findParams(user, "name_1")
		wrong.AddExpand("foo")
		_, err := s.V1AppsSecrets.Find(t.Context(), wrong)
		refused(t, err, refusal{status: 400})
	})
}

func TestRule6Errors(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		user := newUser()
		find := func(key, account string) error {
			params := findParams(user, "x")
			params.StripeAccount = nil
			if account != "" {
				params.SetStripeAccount(account)
			}
			_, err := s.with(key).V1AppsSecrets.Find(t.Context(), params)
			return err
		}
		unknown := refused(t, find("sk_live_unknownUnknown1234", merchant), refusal{status: 401})
		equal(t, "message", unknown.Msg, "Invalid API Key provided: sk_live_****1234")
		refused(t, find("pk_test_anything", ""), refusal{status: 401, code: "secret_key_required"})
		refused(t, find(developerKey, stranger), refusal{status: 403, code: "account_invalid"})
		refused(t, find(readKey, ""), missing)
		params := createParams(user, "x", "v")
		_, err := s.with(readKey).V1AppsSecrets.Create(t.Context(), params)
		refused(t, err, refusal{status: 403, code: "more_permissions_required"})
		for _, row := range []struct {
			spoil func(*stripe.AppsSecretCreateParams)
			want  refusal
		}{
			{func(p *stripe.AppsSecretCreateParams) { p.Payload = nil }, refusal{400, "", "parameter_missing", "payload"}},
			{func(p *stripe.AppsSecretCreateParams) { p.Name = stripe.String("") }, refusal{400, "", "parameter_invalid_empty", "name"}},
			{func(p *stripe.AppsSecretCreateParams) { p.Scope.Type = stripe.String("team") }, refusal{400, "", "", "scope[type]"}},
			{func(p *stripe.AppsSecretCreateParams) { p.Scope.User = nil }, refusal{400, "", "parameter_missing", "scope[user]"}},
			{func(p *stripe.AppsSecretCreateParams) { p.AddExtra("foo", "bar") }, refusal{400, "", "parameter_unknown", "foo"}},
			{func(p *stripe.AppsSecretCreateParams) { p.ExpiresAt = stripe.Int64(1) }, refusal{400, "", "", "expires_at"}},
		} {
			params := createParams(user, "x", "v")
			row.spoil(params)
			_, err := s.V1AppsSecrets.Create(t.Context(), params)
			refused(t, err, row.want)
		}
	})
}

func TestRule7_4Idempotency(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		user, key := newUser(), rand.Text()
		params := func(payload string) *stripe.AppsSecretCreateParams {
			params := createParams(user, "x", payload)
			params.SetIdempotencyKey(key)
			return params
		}
		first := s.create(t, params("v1"))
		replayed := s.create(t, params("v1"))
		equal(t, "id", replayed.ID, first.ID)
		header := replayed.LastResponse.Header
		equal(t, "replayed", header.Get("Idempotent-Replayed"), "true")
		equal(t, "original", header.Get("Original-Request"), first.LastResponse.RequestID)
		_, err := s.V1AppsSecrets.Create(t.Context(), params("v2"))
		refused(t, err, refusal{status: 400, kind: stripe.ErrorTypeIdempotency})
	})
}

func TestRule7_4And7_5Retries(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		user := newUser()
		once := &transport{inner: s.sender.inner}
		_, err := client(s.url, once, developerKey, 3).V1AppsSecrets.DeleteWhere(t.Context(), deleteParams(user, "x"))
		refusal := refused(t, err, missing)
		equal(t, "should retry", refusal.LastResponse.Header.Get("Stripe-Should-Retry"), "false")
		equal(t, "attempts", once.attempts.Load(), int32(1))

		losing := &transport{inner: s.sender.inner, lost: 1}
		created := must(t)(client(s.url, losing, developerKey, 2).V1AppsSecrets.Create(t.Context(), createParams(user, "x", "v")))
		equal(t, "attempts", losing.attempts.Load(), int32(2))
		equal(t, "replayed", created.LastResponse.Header.Get("Idempotent-Replayed"), "true")
		equal(t, "stored", names(t, s.Client, listParams(user)), []string{"x"})
	})
}

func TestRule5Accounts(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		user := newUser()
		created := s.create(t, createParams(user, "x", "v"))
		equal(t, "echo", created.LastResponse.Header.Get("Stripe-Account"), merchant)

		context := findParams(user, "x")
		context.StripeAccount = nil
		context.StripeContext = stripe.String(merchant)
		equal(t, "context", must(t)(s.V1AppsSecrets.Find(t.Context(), context)).ID, created.ID)

		own := findParams(user, "x")
		own.StripeAccount = nil
		_, err := s.V1AppsSecrets.Find(t.Context(), own)
		refused(t, err, missing)

		for _, key := range []string{oauthToken, restrictedKey} {
			token := s.with(key)
			alone := findParams(user, "x")
			alone.StripeAccount = nil
			equal(t, "alone", must(t)(token.V1AppsSecrets.Find(t.Context(), alone)).ID, created.ID)
			equal(t, "named", must(t)(token.V1AppsSecrets.Find(t.Context(), findParams(user, "x"))).ID, created.ID)
			other := findParams(user, "x")
			other.SetStripeAccount(stranger)
			_, err := token.V1AppsSecrets.Find(t.Context(), other)
			refused(t, err, refusal{status: http.StatusForbidden, code: "account_invalid"})
		}
	})
}

func TestRule3_5And3_7AnyUnicode(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		user := newUser()
		for name, payload := range map[string]string{
			"ключ 🔑 & key=1+1%20": "päylöad\r\n\t\"\\/<>& =",
			"null":                "null",
			"longest":             strings.Repeat("🔐", 5000),
		} {
			s.create(t, createParams(user, name, payload))
			found := s.find(t, user, name)
			equal(t, "round trip of "+name, found.Name == name && found.Payload == payload, true)
		}
		longName := strings.Repeat("é", 5000)
		s.create(t, createParams(user, longName, "v"))
		equal(t, "long name", s.find(t, user, longName).Name == longName, true)
		_, err := s.V1AppsSecrets.Create(t.Context(), createParams(user, "longer", strings.Repeat("🔐", 5001)))
		refusal := refused(t, err, refusal{status: 400, param: "payload"})
		equal(t, "echo", strings.Contains(refusal.Msg, "🔐"), false)
	})
}

func TestRule4_4Expiry(t *testing.T) {
	suites(t, func(t *testing.T, s suite) {
		user, expiresAt := newUser(), now(t)+3600
		params := createParams(user, "x", "v")
		params.ExpiresAt = &expiresAt
		created := s.create(t, params)
		equal(t, "expires_at", s.find(t, user, "x").ExpiresAt, expiresAt)
		advance(t, "2h")
		_, err := s.V1AppsSecrets.Find(context.Background(), findParams(user, "x"))
		refused(t, err, missing)
		equal(t, "list", names(t, s.Client, listParams(user)), []string{})
		if s.create(t, createParams(user, "x", "v")).ID == created.ID {
			t.Error("an expired secret came back")
		}
		expired := findParams("", "x")
		expired.StripeAccount = nil
		_, err = s.with(expiringKey).V1AppsSecrets.Find(t.Context(), expired)
		refused(t, err, refusal{status: 401, code: "api_key_expired"})
	})
}
