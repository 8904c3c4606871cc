// The other side of TLS for tests: a certificate made on the spot, and a server that answers with
// it.
#pragma once

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/time.h"
#include "world/net.h"

namespace kelpie::net::testing {

// A self-signed certificate for the given names ("DNS:a,IP:10.0.0.1"), valid a day before `now` and
// after.
class TestCertificate {
 public:
  TestCertificate(const std::string& names, WallTime now)
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    CHECK(key_ != nullptr && certificate_ != nullptr);
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    ASN1_TIME_set(X509_getm_notBefore(certificate_), now.seconds() - 86'400);
    ASN1_TIME_set(X509_getm_notAfter(certificate_), now.seconds() + 86'400);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* name = X509_get_subject_name(certificate_);
    const auto* text = reinterpret_cast<const unsigned char*>("kelpie test");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
    X509_set_issuer_name(certificate_, name);
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    CHECK(extension != nullptr);
    X509_add_ext(certificate_, extension, -1);
    X509_EXTENSION_free(extension);
    CHECK(X509_sign(certificate_, key_, EVP_sha256()) > 0);
  }
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;
  ~TestCertificate() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }

  // Writes the certificate, as a trusted root, to a PEM file.
  void write_pem(const std::string& path) const {
    BIO* file = BIO_new_file(path.c_str(), "w");
    CHECK(file != nullptr && PEM_write_bio_X509(file, certificate_) == 1);
    BIO_free(file);
  }
  [[nodiscard]] SSL_CTX* server_context() const {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    CHECK(context != nullptr && SSL_CTX_use_certificate(context, certificate_) == 1 &&
          SSL_CTX_use_PrivateKey(context, key_) == 1);
    return context;
  }

 private:
  EVP_PKEY* key_;
  X509* certificate_;
};

// What a server does with what it reads: echoes it, or answers each piece with the same bytes.
struct TlsPeerOptions {
  std::string answer;  // empty: echo
  size_t answers_max = SIZE_MAX;
  // After `answers_max` answers: end with TLS's farewell, or without.
  bool farewell = true;
  // Sent at the very end, past TLS.
  std::string raw_end;
};

class TlsPeer {
 public:
  TlsPeer(const TestCertificate& certificate, std::unique_ptr<world::ByteStream> stream,
          TlsPeerOptions options)
      : stream_(std::move(stream)),
        options_(std::move(options)),
        context_(certificate.server_context()),
        ssl_(SSL_new(context_)),
        incoming_(BIO_new(BIO_s_mem())),
        outgoing_(BIO_new(BIO_s_mem())) {
    BIO_set_mem_eof_return(incoming_, -1);
    SSL_set_bio(ssl_, incoming_, outgoing_);
    SSL_set_accept_state(ssl_);
  }
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;
  ~TlsPeer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  // Until the client ends, or the answers are used up.
  Task<void> run() {
    std::array<char, 16 * 1024> buffer{};
    while (answered_ < options_.answers_max) {
      ERR_clear_error();
      size_t got = 0;
      const int outcome = SSL_read_ex(ssl_, buffer.data(), buffer.size(), &got);
      const int reason = SSL_get_error(ssl_, outcome);
      if (outcome == 1) {
        answer(std::string_view(buffer.data(), got));
      } else if (reason != SSL_ERROR_WANT_READ) {
        saw_farewell = reason == SSL_ERROR_ZERO_RETURN;
        break;
      }
      co_await flush();
      if (outcome != 1) {
        const size_t size = co_await stream_->read(std::span<char>(buffer));
        if (size == 0) {
          break;
        }
        CHECK(BIO_write(incoming_, buffer.data(), static_cast<int>(size)) > 0);
      }
    }
    if (options_.farewell) {
      SSL_shutdown(ssl_);
    }
    co_await flush();
    co_await world::write_all(*stream_, options_.raw_end);
    stream_->shutdown_write();
    server_name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name) == nullptr
                      ? ""
                      : SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
    co_return kOk;
  }
  // Makes the client's OpenSSL answer with a key of its own while it reads.
  void ask_for_new_keys() { CHECK(SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED) == 1); }

  bool saw_farewell = false;
  std::string server_name;

 private:
  void answer(std::string_view got) {
    ++answered_;
    const std::string_view bytes = options_.answer.empty() ? got : options_.answer;
    CHECK(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0);
  }
  Task<void> flush() {
    std::string bytes(BIO_ctrl_pending(outgoing_), '\0');
    if (!bytes.empty()) {
      CHECK(BIO_read(outgoing_, bytes.data(), static_cast<int>(bytes.size())) > 0);
      co_await world::write_all(*stream_, bytes);
    }
    co_return kOk;
  }

  std::unique_ptr<world::ByteStream> stream_;
  TlsPeerOptions options_;
  SSL_CTX* context_;
  SSL* ssl_;
  BIO* incoming_;  // owned by ssl_, as outgoing_ is
  BIO* outgoing_;
  size_t answered_ = 0;
};

}  // namespace kelpie::net::testing
