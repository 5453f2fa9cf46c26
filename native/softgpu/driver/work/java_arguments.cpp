// Java arrays as arguments: JCuda gets their address by GetPrimitiveArrayCritical, which is intercepted through JVMTI.
#include <dlfcn.h>
#include <jni.h>
#include <jvmti.h>
#include <array>

#include "driver/work/arguments.h"

namespace softgpu {

namespace {

struct ArrayClass {
    const char *name;
    size_t element;     // bytes
};
constexpr std::array<ArrayClass, 8> ARRAYS = {
    {{"[F", 4}, {"[I", 4}, {"[J", 8}, {"[D", 8}, {"[B", 1}, {"[S", 2}, {"[C", 2}, {"[Z", 1}}};

std::array<jclass, ARRAYS.size()> classes;
void *(JNICALL *original_get)(JNIEnv *, jarray, jboolean *) = nullptr;
void(JNICALL *original_release)(JNIEnv *, jarray, void *, jint) = nullptr;

void *JNICALL watched_get(JNIEnv *env, jarray array, jboolean *is_copy) {
    size_t element = 0;
    for (size_t i = 0; i < ARRAYS.size() && element == 0; ++i)
        if (env->IsInstanceOf(array, classes[i])) element = ARRAYS[i].element;
    const size_t elements = env->GetArrayLength(array);
    void *const address = original_get(env, array, is_copy);
    if (address && element && elements) note_block(address, elements * element, elements);
    return address;
}

void JNICALL watched_release(JNIEnv *env, jarray array, void *address, jint mode) {
    forget_block(address);
    original_release(env, array, address, mode);
}

}  // namespace

void watch_java_arrays() {
    void *const library = dlopen("libjvm.so", RTLD_NOLOAD | RTLD_LAZY);
    if (!library) return;
    const auto created = reinterpret_cast<decltype(&JNI_GetCreatedJavaVMs)>(dlsym(library, "JNI_GetCreatedJavaVMs"));
    JavaVM *vm = nullptr;
    jsize count = 0;
    JNIEnv *env = nullptr;
    jvmtiEnv *tools = nullptr;
    jniNativeInterface *table = nullptr;
    if (!created || created(&vm, 1, &count) != JNI_OK || count == 0) return;
    if (vm->GetEnv(reinterpret_cast<void **>(&env), JNI_VERSION_1_8) != JNI_OK) return;
    if (vm->GetEnv(reinterpret_cast<void **>(&tools), JVMTI_VERSION_1_2) != JNI_OK) return;
    for (size_t i = 0; i < ARRAYS.size(); ++i) {
        const jclass found = env->FindClass(ARRAYS[i].name);
        if (!found) return;
        classes[i] = static_cast<jclass>(env->NewGlobalRef(found));
        env->DeleteLocalRef(found);
    }
    if (tools->GetJNIFunctionTable(&table) != JVMTI_ERROR_NONE) return;
    original_get = table->GetPrimitiveArrayCritical;
    original_release = table->ReleasePrimitiveArrayCritical;
    table->GetPrimitiveArrayCritical = watched_get;
    table->ReleasePrimitiveArrayCritical = watched_release;
    tools->SetJNIFunctionTable(table);
    tools->Deallocate(reinterpret_cast<unsigned char *>(table));
}

}  // namespace softgpu
