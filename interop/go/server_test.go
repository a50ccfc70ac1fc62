package interop

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"github.com/stripe/stripe-go/v86"
)

const (
	developerKey  = "sk_test_interop_go"
	merchant      = "acct_goMerchant"
	stranger      = "acct_stranger"
	oauthToken    = "sk_test_oauth_go"
	restrictedKey = "rk_test_write_go"
	readKey       = "rk_test_read_go"
	expiringKey   = "ek_test_short_go"
)

// transport counts what is sent, loses the first answers and remembers the protocol.
type transport struct {
	inner    http.RoundTripper
	lost     int32
	attempts atomic.Int32
	protocol atomic.Value
}

type lostAnswer struct{}

func (lostAnswer) Error() string { return "the answer was lost" }

func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.inner.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	t.protocol.Store(response.Proto)
	if t.attempts.Add(1) <= t.lost {
		response.Body.Close()
		return nil, lostAnswer{}
	}
	return response, nil
}

// plain sends over HTTP/1.1 without TLS.
func plain() (string, http.RoundTripper) {
	return os.Getenv("CHOLLA_URL"), http.DefaultTransport
}

// secure sends over TLS with the server's own authority, where Go chooses HTTP/2.
func secure(t *testing.T) (string, http.RoundTripper) {
	t.Helper()
	pem, err := os.ReadFile(os.Getenv("CHOLLA_CA_FILE"))
	if err != nil {
		t.Fatal(err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		t.Fatal("the authority's file holds no certificate")
	}
	return os.Getenv("CHOLLA_HTTPS_URL"), &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: authorities},
		ForceAttemptHTTP2: true,
	}
}

// configuration aims the library: the URL is all that changes.
func configuration(url string, sender *transport, retries int64) *stripe.BackendConfig {
	return &stripe.BackendConfig{
		URL:               stripe.String(url),
		HTTPClient:        &http.Client{Transport: sender},
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
		MaxNetworkRetries: stripe.Int64(retries),
		EnableTelemetry:   stripe.Bool(false),
	}
}

func client(url string, sender *transport, key string, retries int64) *stripe.Client {
	backends := stripe.NewBackendsWithConfig(configuration(url, sender, retries))
	if backend, ok := backends.API.(*stripe.BackendImplementation); ok {
		backend.SetNetworkRetriesSleep(false)
	}
	return stripe.NewClient(key, stripe.WithBackends(backends))
}

func clock(t *testing.T, body any) int64 {
	t.Helper()
	method, sent := http.MethodGet, []byte(nil)
	if body != nil {
		method = http.MethodPost
		sent, _ = json.Marshal(body)
	}
	request, err := http.NewRequest(method, os.Getenv("CHOLLA_ADMIN_URL")+"/dev/clock", bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("CHOLLA_ADMIN_TOKEN"))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Now int64 }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.Now
}

func now(t *testing.T) int64 { return clock(t, nil) }

func advance(t *testing.T, duration string) { clock(t, map[string]string{"advance": duration}) }

func newUser() string { return "usr_" + rand.Text() }
