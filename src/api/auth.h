// Who may call: a bearer key, or the older password header.
#pragma once

#include <string>
#include <string_view>

#include "net/http.h"

namespace kelpie::api {

// Takes the same time for every `given` of one length, wherever it differs.
bool equal_in_constant_time(std::string_view given, std::string_view expected);

// `Authorization: Bearer <key>` or `X-BARE-PASSWORD: password <key>`; true for all when the key is
// empty.
bool authorised(const net::Headers& headers, std::string_view key);

}  // namespace kelpie::api
