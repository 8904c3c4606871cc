#include "sim/provider/tls_listener.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <utility>
#include <vector>

#include "async/scope.h"
#include "async/semaphore.h"
#include "base/check.h"

namespace kelpie::sim {
namespace {

constexpr size_t kRecordBytes = 16 * 1024;
constexpr std::array<unsigned char, 32> kKeyBytes = {'n', 'o', ' ', 's', 'e', 'c', 'r', 'e', 't'};
constexpr time_t kValidFromSeconds = 1'577'836'800;   // 2020-01-01
constexpr time_t kValidUntilSeconds = 2'840'140'800;  // 2060-01-01

X509* new_certificate(EVP_PKEY* key, const std::string& host) {
  X509* const certificate = X509_new();
  CHECK(certificate != nullptr && X509_set_version(certificate, 2) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  ASN1_TIME_set(X509_getm_notBefore(certificate), kValidFromSeconds);
  ASN1_TIME_set(X509_getm_notAfter(certificate), kValidUntilSeconds);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(host.c_str());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* const names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + host).c_str());
  CHECK(names != nullptr && X509_add_ext(certificate, names, -1) == 1);
  X509_EXTENSION_free(names);
  CHECK(X509_sign(certificate, key, nullptr) > 0);
  return certificate;
}

}  // namespace

struct TlsIdentity::Context {
  SSL_CTX* ssl = nullptr;
  X509* certificate = nullptr;
};

TlsIdentity::TlsIdentity(const std::string& host) : context_(std::make_unique<Context>()) {
  EVP_PKEY* const key =
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, kKeyBytes.data(), kKeyBytes.size());
  CHECK(key != nullptr);
  context_->certificate = new_certificate(key, host);
  context_->ssl = SSL_CTX_new(TLS_server_method());
  CHECK(context_->ssl != nullptr &&
        SSL_CTX_use_certificate(context_->ssl, context_->certificate) == 1 &&
        SSL_CTX_use_PrivateKey(context_->ssl, key) == 1);
  EVP_PKEY_free(key);
  CHECK(SSL_CTX_set_min_proto_version(context_->ssl, TLS1_3_VERSION) == 1);
  CHECK(SSL_CTX_set_num_tickets(context_->ssl, 0) == 1);
  SSL_CTX_set_options(context_->ssl, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context_->ssl, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context_->ssl,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

TlsIdentity::~TlsIdentity() {
  SSL_CTX_free(context_->ssl);
  X509_free(context_->certificate);
}

std::string TlsIdentity::certificate_pem() const {
  BIO* const out = BIO_new(BIO_s_mem());
  CHECK(out != nullptr && PEM_write_bio_X509(out, context_->certificate) == 1);
  std::string pem(BIO_ctrl_pending(out), '\0');
  CHECK(BIO_read(out, pem.data(), static_cast<int>(pem.size())) == static_cast<int>(pem.size()));
  BIO_free(out);
  return pem;
}

namespace {

// OpenSSL between two buffers. What it wants to send is flushed by whoever made it do so, one at a
// time, who takes along what others have added meanwhile.
class TlsServerStream final : public world::ByteStream {
 public:
  TlsServerStream(async::Loop& loop, std::unique_ptr<world::ByteStream> stream, SSL* ssl)
      : stream_(std::move(stream)),
        ssl_(ssl),
        incoming_(BIO_new(BIO_s_mem())),
        outgoing_(BIO_new(BIO_s_mem())),
        buffer_(kRecordBytes),
        flushing_(loop, 1),
        scope_(loop, nullptr) {
    CHECK(ssl_ != nullptr && incoming_ != nullptr && outgoing_ != nullptr);
    BIO_set_mem_eof_return(incoming_, -1);
    BIO_set_mem_eof_return(outgoing_, -1);
    SSL_set_bio(ssl_, incoming_, outgoing_);
    SSL_set_accept_state(ssl_);
  }
  ~TlsServerStream() override {
    scope_.cancel();
    SSL_free(ssl_);
  }

  Task<size_t> read(std::span<char> out) override {
    for (;;) {
      ERR_clear_error();
      size_t got = 0;
      const int outcome = SSL_read_ex(ssl_, out.data(), out.size(), &got);
      const int reason = SSL_get_error(ssl_, outcome);
      ERR_clear_error();
      if (outcome == 1) {
        co_return got;
      }
      // Steps of the handshake; and the peer is told why, when it is an error.
      co_await flush();
      if (reason == SSL_ERROR_ZERO_RETURN) {
        co_return size_t{0};
      }
      if (reason != SSL_ERROR_WANT_READ) {
        co_return base::unavailable("TLS: the peer's records make no sense");
      }
      const size_t size = co_await stream_->read(std::span<char>(buffer_));
      if (size == 0) {
        co_return base::unavailable("the peer ended the connection without TLS's farewell");
      }
      size_t taken = 0;
      CHECK(BIO_write_ex(incoming_, buffer_.data(), size, &taken) == 1 && taken == size);
    }
  }

  Task<size_t> write(ByteView bytes) override {
    ERR_clear_error();
    size_t taken = 0;
    const int outcome = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &taken);
    ERR_clear_error();
    if (outcome != 1) {
      co_return base::unavailable("TLS: written to a broken connection");
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
  Task<void> flush() {
    if (BIO_ctrl_pending(outgoing_) == 0) {
      co_return kOk;
    }
    const async::Semaphore::Permit only = co_await flushing_.acquire();
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
  Task<void> send_end() {
    co_await flush();
    stream_->shutdown_write();
    co_return kOk;
  }

  std::unique_ptr<world::ByteStream> stream_;
  SSL* ssl_;
  BIO* incoming_;  // owned by ssl_, as outgoing_ is
  BIO* outgoing_;
  std::vector<char> buffer_;
  async::Semaphore flushing_;
  bool shut_ = false;
  Scope scope_;  // last: the farewell's task uses everything above
};

}  // namespace

TlsListener::TlsListener(async::Loop& loop, std::unique_ptr<world::Listener> listener,
                         const TlsIdentity& identity)
    : loop_(loop), listener_(std::move(listener)), identity_(identity) {}

Task<std::unique_ptr<world::ByteStream>> TlsListener::accept() {
  std::unique_ptr<world::ByteStream> stream = co_await listener_->accept();
  SSL* const ssl = SSL_new(identity_.context_->ssl);
  co_return std::unique_ptr<world::ByteStream>(
      std::make_unique<TlsServerStream>(loop_, std::move(stream), ssl));
}

}  // namespace kelpie::sim
