// bin/framecast of a bundle: starts Java in this process, on the runtime, jars and libraries of the bundle.
//
// A program and not a script, so that it needs nothing but the C library. It takes the place of the runtime's `java`,
// which is no more than a call of JLI_Launch, because the loader searches the run path of the program for what is
// loaded into it later: so the bundle's own libstdc++ and others are found, and LD_LIBRARY_PATH, which child processes
// would get, too, is not needed.
//
// tools/bundle builds it, without libstdc++, which only the run path would find.
#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <langinfo.h>
#include <link.h>
#include <sys/random.h>
#include <unistd.h>

// The libstdc++ and libgcc of recent compilers need two functions that the C library has since version 2.35 and 2.36.
// With them here, the bundle works on 2.34: the loader finds symbols in the program first. (BundledLibraries.java
// marks these versions as weak in the libraries, so that the loader does not refuse them.) They have names of our own,
// because headers may declare them.
extern "C" {

struct FoundObject {
    unsigned long long flags;
    void *begin, *end;
    link_map *object;
    void *exception_header;
    unsigned long long reserved[7];
};

// Where the tables for exceptions of the code at an address are: glibc manual, "Dynamic Linker Introspection".
int find_object(void *address, FoundObject *found) __asm__("_dl_find_object");
int find_object(void *address, FoundObject *found) {
    using Find = int (*)(void *, FoundObject *);
    static const auto newer = reinterpret_cast<Find>(dlsym(RTLD_NEXT, "_dl_find_object"));
    if (newer) return newer(address, found);
    struct Search {
        ElfW(Addr) address;
        FoundObject *found;
    } search = {reinterpret_cast<ElfW(Addr)>(address), found};
    const int hit = dl_iterate_phdr(
        [](dl_phdr_info *object, size_t, void *data) {
            auto *search = static_cast<Search *>(data);
            bool inside = false;
            void *header = nullptr;
            for (int k = 0; k < object->dlpi_phnum; ++k) {
                const ElfW(Phdr) &part = object->dlpi_phdr[k];
                const ElfW(Addr) begin = object->dlpi_addr + part.p_vaddr, end = begin + part.p_memsz;
                if (part.p_type == PT_LOAD && begin <= search->address && search->address < end) {
                    inside = true;
                    *search->found = {};
                    search->found->begin = reinterpret_cast<void *>(begin);
                    search->found->end = reinterpret_cast<void *>(end);
                } else if (part.p_type == PT_GNU_EH_FRAME) {
                    header = reinterpret_cast<void *>(begin);
                }
            }
            if (inside) search->found->exception_header = header;
            return inside && header ? 1 : 0;
        },
        &search);
    return hit ? 0 : -1;
}

unsigned random_number() __asm__("arc4random");
unsigned random_number() {
    unsigned value;
    if (getrandom(&value, sizeof value, 0) != sizeof value) std::abort();
    return value;
}

// FFmpeg's libraries are linked to the versions of glibc 2.35.
double hypotenuse(double x, double y) __asm__("hypot");
double hypotenuse(double x, double y) {
    if (__builtin_isinf(x) || __builtin_isinf(y)) return __builtin_inf();
    return static_cast<double>(__builtin_sqrtl(static_cast<long double>(x) * x + static_cast<long double>(y) * y));
}

float float_hypotenuse(float x, float y) __asm__("hypotf");
float float_hypotenuse(float x, float y) { return static_cast<float>(hypotenuse(x, y)); }

// Of libjli.so.
int JLI_Launch(int count, char **arguments, int java_count, const char **java_arguments, int class_count,
               const char **class_arguments, const char *full_version, const char *version, const char *program,
               const char *launcher, unsigned char java_arguments_are_options, unsigned char wildcards,
               unsigned char no_console, int reserved);
}

namespace {

[[noreturn]] void fail(int status, const char *message, const char *name) {
    std::fprintf(stderr, "framecast: %s: %s\n", name, message);
    std::exit(status);
}

bool is_ascii(const char *name) {
    for (; *name; ++name)
        if (static_cast<signed char>(*name) < 0) return false;
    return true;
}

// The JVM encodes file names in the locale's character set. In containers that is often ASCII, which has no name for a
// file such as vidéos.npy.
void choose_locale() {
    if (std::setlocale(LC_ALL, "") && std::strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") != 0) return;
    for (const char *locale : {"C.UTF-8", "en_US.UTF-8"})
        if (std::setlocale(LC_ALL, locale)) {
            setenv("LC_ALL", locale, 1);
            return;
        }
    std::setlocale(LC_ALL, "C");
}

// Refuses names that the JVM would change.
void check_name(int status, const char *name) {
    if (is_ascii(name)) return;
    if (std::strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0)
        fail(status, "no UTF-8 locale is installed here, without which Java cannot name this; install one, or use "
             "names of ASCII", name);
    if (std::mbstowcs(nullptr, name, 0) == static_cast<size_t>(-1))
        fail(status, "this name is not text in the locale's character set; rename it, or set LC_ALL", name);
}

}  // namespace

int main(int count, char **given) {
    static char root[4096], directory[4096];
    const ssize_t length = readlink("/proc/self/exe", root, sizeof root - 1);
    char *end = length < 0 ? nullptr : std::strrchr(root, '/');
    if (end) *end = 0, end = std::strrchr(root, '/');
    if (!end) fail(1, "the program cannot find its own directory; mount /proc", given[0]);
    *end = 0;

    choose_locale();
    check_name(1, root);
    if (std::strchr(root, ':')) fail(1, "Java cannot run from a directory with a colon in its name; move it", root);
    if (getcwd(directory, sizeof directory)) check_name(1, directory);
    for (int k = 1; k < count; ++k) check_name(2, given[k]);

    static char kernels[4200], classes[12600];
    std::snprintf(kernels, sizeof kernels, "%s/kernels", root);
    setenv("FRAMECAST_KERNELS", kernels, 0);
    // OpenMP threads that wait spin only for a short time, as in tools/framecast.
    if (!std::getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "1000", 0);

    std::snprintf(classes, sizeof classes, "%s/lib/*:%s/native", root, root);
    static char native_access[] = "--enable-native-access=ALL-UNNAMED";
    // It would write to /tmp.
    static char no_performance_data[] = "-XX:-UsePerfData";
    static char option[] = "-cp", main_class[] = "io.framecast.tools.Main";
    char *java[] = {given[0], native_access, no_performance_data, option, classes, main_class};
    const int options = sizeof java / sizeof *java, all = options + count - 1;
    auto **arguments = static_cast<char **>(std::calloc(all + 1, sizeof *java));
    std::copy(java, java + options, arguments);
    std::copy(given + 1, given + count, arguments + options);
    return JLI_Launch(all, arguments, 0, nullptr, 0, nullptr, "17", "17", "framecast", "framecast", 0, 1, 0, 0);
}
