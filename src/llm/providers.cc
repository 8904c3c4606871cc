#include "llm/providers.h"

#include <algorithm>

#include "codec/url.h"
#include "llm/context_windows.h"
#include "llm/offline_model.h"
#include "llm/offline_rules.h"
#include "llm/openai_model.h"
#include "net/http_client.h"
#include "world/log.h"

namespace kelpie::llm {
namespace {

ModelInfo offline_info() {
  return {.handle = std::string(kOfflineHandle),
          .name = std::string(kOfflineModelName),
          .provider = std::string(kOfflineProvider),
          // Clients know a fixed list of types; this provider speaks the shapes of this one.
          .provider_type = std::string(kOpenAiProvider),
          .endpoint = "",
          .endpoint_type = std::string(kOpenAiProvider),
          .context_window = kOfflineContextWindow};
}

class ConfiguredModels final : public Models {
 public:
  ConfiguredModels(World& world, ModelsConfig config)
      : world_(world),
        client_(world, {.ca_file = std::move(config.ca_file), .ca_pem = std::move(config.ca_pem)}),
        offline_(world.loop) {
    if (config.openai_api_key.empty() && config.openai_base_url.empty()) {
      return;
    }
    OpenAiOptions options{.base_url = std::move(config.openai_base_url),
                          .api_key = std::move(config.openai_api_key),
                          .request_timeout = config.request_timeout,
                          .reply_bytes_max = config.reply_bytes_max};
    if (options.base_url.empty()) {
      options.base_url = kOpenAiBaseUrl;
    }
    openai_ = std::make_unique<OpenAiModel>(world, client_, std::move(options));
  }

  Task<std::vector<ModelInfo>> list() override {
    std::vector<ModelInfo> models = {offline_info()};
    if (openai_ != nullptr) {
      auto listed = co_await openai_->list().result();
      if (!listed.ok()) {
        world_.log.warn("a provider's models could not be listed",
                        {{"provider", kOpenAiProvider}, {"error", listed.error().to_string()}});
      } else {
        for (const ListedModel& model : *listed) {
          if (is_chat_model(model.name)) {
            models.push_back(openai_info(model));
          }
        }
      }
    }
    std::ranges::sort(models, {}, &ModelInfo::handle);
    co_return models;
  }

  Model* find(std::string_view handle) override {
    if (handle == kOfflineHandle) {
      return &offline_;
    }
    const auto [provider, name] = split_handle(handle);
    return provider == kOpenAiProvider && !name.empty() ? openai_.get() : nullptr;
  }

 private:
  ModelInfo openai_info(const ListedModel& model) const {
    return {.handle = std::string(kOpenAiProvider) + "/" + model.name,
            .name = model.name,
            .provider = std::string(kOpenAiProvider),
            .provider_type = std::string(kOpenAiProvider),
            .endpoint = openai_->base_url(),
            .endpoint_type = std::string(kOpenAiProvider),
            .context_window =
                model.context_window > 0 ? model.context_window : known_context_window(model.name)};
  }

  World& world_;
  net::HttpClient client_;
  OfflineModel offline_;
  std::unique_ptr<OpenAiModel> openai_;
};

}  // namespace

Result<void> check_models_config(const ModelsConfig& config) {
  if (!config.openai_base_url.empty()) {
    auto url = codec::split_url(config.openai_base_url);
    if (!url.ok()) {
      return std::move(url).error().with_context("the model provider's base URL");
    }
  }
  const auto unfit = [](char c) { return c < '!' || c > '~'; };
  if (std::ranges::any_of(config.openai_api_key, unfit)) {
    return base::invalid_argument(
        "the model provider's API key has white space or characters that no header may hold");
  }
  return kOk;
}

std::unique_ptr<Models> make_models(World& world, ModelsConfig config) {
  return std::make_unique<ConfiguredModels>(world, std::move(config));
}

std::pair<std::string_view, std::string_view> split_handle(std::string_view handle) {
  const size_t slash = handle.find('/');
  if (slash == std::string_view::npos) {
    return {"", handle};
  }
  return {handle.substr(0, slash), handle.substr(slash + 1)};
}

}  // namespace kelpie::llm
