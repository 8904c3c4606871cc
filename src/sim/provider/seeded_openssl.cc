#include "sim/provider/seeded_openssl.h"

// The one way to replace OpenSSL's source for its default context; deprecated, and there in 3.x.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <utility>

#include "base/check.h"
#include "sim/clock.h"

namespace kelpie::sim {
namespace {

// OpenSSL calls back without saying for whom.
constinit thread_local world::Rng* source = nullptr;

int random_bytes(unsigned char* out, int count) {
  if (source == nullptr) {
    return 0;
  }
  for (int i = 0; i < count; ++i) {
    out[i] = static_cast<unsigned char>(source->next() >> 56);
  }
  return 1;
}
int take_seed(const void* /*bytes*/, int /*count*/) { return 1; }
int take_entropy(const void* /*bytes*/, int /*count*/, double /*entropy*/) { return 1; }
int is_seeded() { return source == nullptr ? 0 : 1; }

constexpr RAND_METHOD kMethod = {
    .seed = take_seed,
    .bytes = random_bytes,
    .cleanup = nullptr,
    .add = take_entropy,
    .pseudorand = random_bytes,
    .status = is_seeded,
};

}  // namespace

SeededOpenSsl::SeededOpenSsl(world::Rng rng, const Scheduler& scheduler)
    : rng_(rng),
      time_([&scheduler] { return (kWallOriginNs + scheduler.now_ns()) / 1'000'000'000; }),
      method_before_(RAND_get_rand_method()) {
  CHECK(source == nullptr && method_before_ != &kMethod);
  CHECK(RAND_set_rand_method(&kMethod) == 1);
  source = &rng_;
  // What the library draws once in a process is not drawn from the run's own numbers.
  for (const SSL_METHOD* method : {TLS_client_method(), TLS_server_method()}) {
    SSL_CTX* const context = SSL_CTX_new(method);
    CHECK(context != nullptr);
    SSL_CTX_free(context);
  }
  rng_ = rng;
}

SeededOpenSsl::~SeededOpenSsl() {
  CHECK(source == &rng_);
  source = nullptr;
  CHECK(RAND_set_rand_method(static_cast<const RAND_METHOD*>(method_before_)) == 1);
}

}  // namespace kelpie::sim
