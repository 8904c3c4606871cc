// What the server says about actors, for people to read. Pure.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "app/actors_command.h"

namespace kelpie::app {

// Lines that end in a line feed. What the answer does not have is shown as `-`.
std::string actors_text(const ActorsCommand& command, const boost::json::value& answer);

}  // namespace kelpie::app
