#include <utility>

#include "bench/store_bench.h"

namespace kelpie::bench {

Result<std::unique_ptr<OpenStore>> OpenStore::open(Bench& bench, store::RocksdbOptions options) {
  auto opened = std::make_unique<OpenStore>();
  opened->engine = TRY(store::RocksdbBackend::open(bench.loop, std::move(options)));
  opened->database = std::make_unique<store::LocalDatabase>(bench.real.world(), *opened->engine);
  return opened;
}

}  // namespace kelpie::bench
