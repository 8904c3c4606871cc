#include "net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/scope.h"
#include "base/check.h"

namespace kelpie::net {
namespace {

// A TLS record's plaintext is at most 16 KiB.
constexpr size_t kRecordBytes = 16 * 1024;

// The oldest error of this thread's queue, as text; empties the queue.
std::string take_openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) {
    return "no reason given";
  }
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

}  // namespace

struct TlsRoots::Context {
  SSL_CTX* ssl = nullptr;
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { SSL_CTX_free(ssl); }
};

TlsRoots::TlsRoots(std::unique_ptr<Context> context) : context_(std::move(context)) {}
TlsRoots::TlsRoots(TlsRoots&&) noexcept = default;
TlsRoots& TlsRoots::operator=(TlsRoots&&) noexcept = default;
TlsRoots::~TlsRoots() = default;

// What every client wants of TLS; it trusts nobody yet.
Result<std::unique_ptr<TlsRoots::Context>> TlsRoots::new_context() {
  ERR_clear_error();
  auto context = std::make_unique<Context>();
  context->ssl = SSL_CTX_new(TLS_client_method());
  if (context->ssl == nullptr) {
    return base::internal("OpenSSL gave no context: " + take_openssl_error());
  }
  SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A write goes on where the last one stopped, from wherever its bytes are now.
  SSL_CTX_set_mode(context->ssl,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  CHECK(SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION) == 1);
  return std::move(context);
}

Result<TlsRoots> TlsRoots::load(const std::string& ca_file) {
  std::unique_ptr<Context> context = TRY(new_context());
  const bool loaded =
      ca_file.empty() ? SSL_CTX_set_default_verify_paths(context->ssl) == 1
                      : SSL_CTX_load_verify_locations(context->ssl, ca_file.c_str(), nullptr) == 1;
  if (!loaded) {
    return base::invalid_argument("expected a PEM file of trusted certificates, got '" + ca_file +
                                  "': " + take_openssl_error());
  }
  return TlsRoots(std::move(context));
}

Result<TlsRoots> TlsRoots::parse(std::string_view pem) {
  std::unique_ptr<Context> context = TRY(new_context());
  BIO* const text = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  CHECK(text != nullptr);
  X509_STORE* const store = SSL_CTX_get_cert_store(context->ssl);
  size_t count = 0;
  bool taken = true;
  while (X509* const root = PEM_read_bio_X509(text, nullptr, nullptr, nullptr)) {
    taken = taken && X509_STORE_add_cert(store, root) == 1;
    X509_free(root);
    ++count;
  }
  BIO_free(text);
  // Anything but the end of the text is a certificate that could not be read.
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!taken || !ended || count == 0) {
    return base::invalid_argument("expected trusted certificates in PEM, could read " +
                                  std::to_string(count) + ": " + take_openssl_error());
  }
  ERR_clear_error();
  return TlsRoots(std::move(context));
}

// What OpenSSL wants to send gathers in `outgoing_` and is flushed by whoever made it do so.
// Flushes never overlap; the one that runs takes everyone's bytes along, so a reader's small answer
// (a key update's) never waits behind a writer.
class TlsStream final : public world::ByteStream {
 public:
  TlsStream(Loop& loop, const TlsRoots& roots, std::unique_ptr<world::ByteStream> stream)
      : stream_(std::move(stream)),
        ssl_(SSL_new(roots.context_->ssl)),
        incoming_(BIO_new(BIO_s_mem())),
        outgoing_(BIO_new(BIO_s_mem())),
        buffer_(kRecordBytes),
        idle_(loop),
        scope_(loop, nullptr) {
    CHECK(ssl_ != nullptr && incoming_ != nullptr && outgoing_ != nullptr);
    // An empty BIO means "later", not "the end".
    BIO_set_mem_eof_return(incoming_, -1);
    BIO_set_mem_eof_return(outgoing_, -1);
    SSL_set_bio(ssl_, incoming_, outgoing_);
    idle_.set();
  }
  ~TlsStream() override {
    scope_.cancel();
    SSL_free(ssl_);
  }

  Result<void> expect_host(const std::string& host, WallTime now) {
    X509_VERIFY_PARAM* verify = SSL_get0_param(ssl_);
    X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set_time(verify, static_cast<time_t>(now.seconds()));
    // An address is looked for among the certificate's addresses, and has no place in SNI.
    if (X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str()) != 1) {
      ERR_clear_error();
      if (X509_VERIFY_PARAM_set1_host(verify, host.c_str(), host.size()) != 1 ||
          SSL_set_tlsext_host_name(ssl_, host.c_str()) != 1) {
        ERR_clear_error();
        return base::invalid_argument("expected a host name, got '" + host + "'");
      }
    }
    static constexpr std::array<unsigned char, 9> kHttp11 = {8,   'h', 't', 't', 'p',
                                                             '/', '1', '.', '1'};
    CHECK(SSL_set_alpn_protos(ssl_, kHttp11.data(), kHttp11.size()) == 0);
    return kOk;
  }

  Task<void> handshake() {
    SSL_set_connect_state(ssl_);
    while (true) {
      ERR_clear_error();
      const int outcome = SSL_do_handshake(ssl_);
      const Error error = outcome == 1 ? Error{} : describe(outcome);
      // Also when it failed: the peer is told why.
      const Result<void> flushed = co_await flush().result();
      if (outcome == 1) {
        co_return kOk;
      }
      if (!error.message.empty()) {
        co_return error;
      }
      co_await flushed;
      const bool more = co_await receive();
      if (!more) {
        co_return base::unavailable("the peer ended the connection within the TLS handshake");
      }
    }
  }

  Task<size_t> read(std::span<char> out) override {
    CHECK(!out.empty());
    while (true) {
      ERR_clear_error();
      size_t got = 0;
      const int outcome = SSL_read_ex(ssl_, out.data(), out.size(), &got);
      const int reason = SSL_get_error(ssl_, outcome);
      if (outcome == 1) {
        co_return got;
      }
      if (reason == SSL_ERROR_ZERO_RETURN) {
        co_return size_t{0};
      }
      if (reason != SSL_ERROR_WANT_READ) {
        co_return base::unavailable("TLS: " + take_openssl_error());
      }
      if (!flushing_) {
        co_await flush();
      }
      const bool more = co_await receive();
      if (!more) {
        co_return base::unavailable("the peer ended the connection without TLS's farewell");
      }
    }
  }

  Task<size_t> write(ByteView bytes) override {
    CHECK(!bytes.empty());
    if (shut_) {
      co_return base::unavailable("written after the end was sent");
    }
    ERR_clear_error();
    size_t taken = 0;
    const int outcome = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &taken);
    if (outcome != 1) {
      co_return base::unavailable("TLS: " + take_openssl_error());
    }
    co_await flush();
    co_return taken;
  }

  void shutdown_write() override {
    if (shut_) {
      return;
    }
    shut_ = true;
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
    scope_.spawn(send_end());
  }
  void close() override { stream_->close(); }
  [[nodiscard]] std::string peer() const override { return stream_->peer(); }

 private:
  // Hands the right to flush on, also when the flush is dropped half way.
  class Flushing {
   public:
    explicit Flushing(TlsStream& stream) : stream_(stream) {
      stream_.flushing_ = true;
      stream_.idle_.clear();
    }
    Flushing(const Flushing&) = delete;
    Flushing& operator=(const Flushing&) = delete;
    ~Flushing() {
      stream_.flushing_ = false;
      stream_.idle_.set();
    }

   private:
    TlsStream& stream_;
  };

  Task<void> flush() {
    while (flushing_) {
      co_await idle_.wait();
    }
    if (BIO_ctrl_pending(outgoing_) == 0) {
      co_return kOk;
    }
    const Flushing flushing(*this);
    std::string bytes;
    while (BIO_ctrl_pending(outgoing_) > 0) {
      bytes.resize(BIO_ctrl_pending(outgoing_));
      size_t got = 0;
      CHECK(BIO_read_ex(outgoing_, bytes.data(), bytes.size(), &got) == 1);
      bytes.resize(got);
      co_await world::write_all(*stream_, bytes);
    }
    co_return kOk;
  }

  // Moves what comes next to OpenSSL; false at the end of the connection.
  Task<bool> receive() {
    const size_t got = co_await stream_->read(std::span<char>(buffer_));
    size_t taken = 0;
    CHECK(got == 0 || (BIO_write_ex(incoming_, buffer_.data(), got, &taken) == 1 && taken == got));
    co_return got > 0;
  }

  Task<void> send_end() {
    co_await flush();
    stream_->shutdown_write();
    co_return kOk;
  }

  // Why the handshake stopped; an empty message when it only waits for the peer.
  Error describe(int outcome) {
    const int reason = SSL_get_error(ssl_, outcome);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) {
      return {};
    }
    const long verified = SSL_get_verify_result(ssl_);
    const std::string why = take_openssl_error();
    if (verified != X509_V_OK) {
      return base::unavailable(std::string("the peer's certificate is not trusted: ") +
                               X509_verify_cert_error_string(verified));
    }
    return base::unavailable("the TLS handshake failed: " + why);
  }

  std::unique_ptr<world::ByteStream> stream_;
  SSL* ssl_;
  BIO* incoming_;  // owned by ssl_, as outgoing_ is
  BIO* outgoing_;
  std::vector<char> buffer_;
  bool flushing_ = false;
  bool shut_ = false;
  async::Event idle_;
  // Last, so that the farewell's task is gone before what it uses.
  Scope scope_;
};

Task<std::unique_ptr<world::ByteStream>> tls_connect(Loop& loop, const TlsRoots& roots,
                                                     std::unique_ptr<world::ByteStream> stream,
                                                     std::string host, WallTime now) {
  auto tls = std::make_unique<TlsStream>(loop, roots, std::move(stream));
  co_await tls->expect_host(host, now);
  co_await tls->handshake();
  co_return std::unique_ptr<world::ByteStream>(std::move(tls));
}

}  // namespace kelpie::net
