// The official Go library's suite against a running server.
module cholla.interop/go

go 1.24

require github.com/stripe/stripe-go/v86 v86.2.0
