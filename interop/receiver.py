"""Where the deliveries of the world in platform.toml arrive: http://127.0.0.1:12119."""

import http.server
import threading

PORT = 12119
# How long a delivery may take to come, in seconds; a server that delivers none fails the suite then.
ARRIVAL_SECONDS_MAX = 20


class Receiver:
    """Takes every delivery and keeps it: (path, signature, body)."""

    def __init__(self):
        self.arrived = threading.Condition()
        self.deliveries = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.arrived:
                    receiver.deliveries.append((self.path, self.headers["Stripe-Signature"], self.headers["Content-Type"], body))
                    receiver.arrived.notify_all()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, is_wanted, count):
        """The first `count` deliveries of which `is_wanted(path, body)` holds."""

        def found():
            return [delivery for delivery in self.deliveries if is_wanted(delivery[0], delivery[3])]

        with self.arrived:
            self.arrived.wait_for(lambda: len(found()) >= count, timeout=ARRIVAL_SECONDS_MAX)
            return found()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
