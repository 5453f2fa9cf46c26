#include "enums.h"

#include <cstring>
#include <stdexcept>
#include <string>

namespace framecast {

namespace {

#define FRAMECAST_NAME(name) #name,
constexpr const char *activations[] = {FRAMECAST_ACTIVATIONS(FRAMECAST_NAME)};
constexpr const char *functions[] = {FRAMECAST_FUNCTIONS(FRAMECAST_NAME)};
constexpr const char *operands[] = {FRAMECAST_OPERANDS(FRAMECAST_NAME)};
constexpr const char *losses[] = {FRAMECAST_LOSSES(FRAMECAST_NAME)};

template <typename Enum, size_t count>
Enum find(const char *what, const char *const (&names)[count], const char *name) {
    for (size_t k = 0; k < count; k++) {
        if (std::strcmp(names[k], name) == 0) {
            return static_cast<Enum>(k);
        }
    }
    throw std::invalid_argument(std::string("there is no ") + what + " " + name);
}

}  // namespace

Activation activation_named(const char *name) { return find<Activation>("activation", activations, name); }

Function function_named(const char *name) { return find<Function>("function", functions, name); }

Operands operands_named(const char *name) { return find<Operands>("way to store operands", operands, name); }

LossKind loss_named(const char *name) { return find<LossKind>("loss", losses, name); }

}  // namespace framecast
