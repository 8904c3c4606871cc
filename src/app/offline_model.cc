#include <fmt/format.h>

#include <cstdio>

#include "app/serve.h"
#include "app/until_asked.h"
#include "llm/offline_server.h"
#include "net/http_server.h"
#include "real/process.h"
#include "real/real_log.h"
#include "real/real_loop.h"
#include "real/real_world.h"

namespace kelpie::app {
namespace {

constexpr Duration kDrainTimeout = Duration::seconds(5);

}  // namespace

Result<void> run_offline_model(const std::string& listen, const std::string& version) {
  const world::Address address = TRY(world::parse_address(listen));
  real::RealLog log(real::LogOptions{});
  real::ignore_broken_pipes();
  TRY(real::raise_open_file_limit());
  real::RealLoop loop;
  real::RealWorld real(loop, log, world::NodeName("offline-model"));
  const auto listener = TRY(loop.run(real.world().net.listen(address)));
  llm::OfflineModelHandler handler(real.world());
  net::HttpServer server(real.world(), handler, net::HttpServerOptions{});
  UntilAsked until_asked(loop, log, *listener, kDrainTimeout);
  fmt::print("kelpie {} offline model\nready on http://{}/v1\n", version,
             listener->address().to_string());
  std::fflush(stdout);
  return until_asked.run(server);
}

}  // namespace kelpie::app
