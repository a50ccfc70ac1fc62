"""Verifies one signature, given as JSON on standard input, with the helper of the official Python library; ends with 1 where it is refused."""

import json
import sys

import stripe

received = json.load(sys.stdin)
try:
    stripe.WebhookSignature.verify_header(received["body"], received["header"], received["secret"], tolerance=300)
except stripe.SignatureVerificationError:
    sys.exit(1)
