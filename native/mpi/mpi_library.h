// MPI, through calls.c as the machine's mpicc has compiled it. All of it is in this file, which is compiled with its
// binding, NativeMpi. Errors are std::runtime_error, with the function and MPI's text.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "shared_library.h"

namespace framecast {

class Mpi {
public:
    // Loads the compiled calls.c, and joins the processes that were started together.
    explicit Mpi(const char *library) : library_(with_settings(library)) {
        library_.find(init_, "framecast_mpi_init");
        library_.find(version_, "framecast_mpi_version");
        library_.find(error_, "framecast_mpi_error");
        library_.find(all_reduce_, "framecast_mpi_all_reduce");
        library_.find(all_gather_, "framecast_mpi_all_gather");
        library_.find(broadcast_, "framecast_mpi_broadcast");
        library_.find(send_, "framecast_mpi_send");
        library_.find(receive_, "framecast_mpi_receive");
        library_.find(test_, "framecast_mpi_test");
        library_.find(post_, "framecast_mpi_post");
        library_.find(poll_, "framecast_mpi_poll");
        library_.find(finalize_, "framecast_mpi_finalize");
        require(init_(&rank_, &size_, &local_rank_, &local_size_, &threads_), "MPI_Init_thread");
        version_(text_, sizeof text_);
    }

    int rank() const { return rank_; }
    int size() const { return size_; }
    int local_rank() const { return local_rank_; }
    int local_size() const { return local_size_; }
    // Whether several threads may call at the same time.
    bool threads() const { return threads_; }
    const char *version() const { return text_; }

    // These start a call; see `test`. The memory must stay until it is done.
    void *all_reduce(const float *values, float *sum, int count) {
        void *request = nullptr;
        require(all_reduce_(values, sum, count, &request), "MPI_Iallreduce");
        return request;
    }
    void *all_gather(const double *values, int count, double *all) {
        void *request = nullptr;
        require(all_gather_(values, count, all, &request), "MPI_Iallgather");
        return request;
    }
    void *broadcast(char *bytes, int count) {
        void *request = nullptr;
        require(broadcast_(bytes, count, &request), "MPI_Ibcast");
        return request;
    }
    void *send(const char *bytes, int count, int to) {
        void *request = nullptr;
        require(send_(bytes, count, to, &request), "MPI_Isend");
        return request;
    }
    void *receive(char *bytes, int count, int from) {
        void *request = nullptr;
        require(receive_(bytes, count, from, &request), "MPI_Irecv");
        return request;
    }

    // Whether a call is done. Then the request is freed.
    bool test(void *request) {
        int done = 0;
        require(test_(request, &done), "MPI_Test");
        return done;
    }

    // Sends a short message to one process, without waiting.
    void post(const char *bytes, int count, int to) { require(post_(bytes, count, to), "MPI_Isend"); }

    // Receives such a message: its length, -1 if there is none. `source` is then its sender.
    int poll(char *bytes, int capacity) { return poll_(bytes, capacity, &source_); }
    int source() const { return source_; }

    void finalize_mpi() { require(finalize_(), "MPI_Finalize"); }

private:
    // UCX, a transport of MPIs, would take over signals by which the JVM works. It reads this when it is loaded.
    static const char *with_settings(const char *library) {
        setenv("UCX_ERROR_SIGNALS", "", 0);
        return library;
    }

    void require(int error, const char *function) const {
        if (error == 0) return;
        char text[512];
        error_(error, text, sizeof text);
        throw std::runtime_error(std::string(function) + " failed: " + text);
    }

    SharedLibrary library_;
    int rank_ = 0, size_ = 0, local_rank_ = 0, local_size_ = 0, threads_ = 0, source_ = 0;
    char text_[256] = {};
    int (*init_)(int *, int *, int *, int *, int *);
    int (*version_)(char *, int);
    void (*error_)(int, char *, int);
    int (*all_reduce_)(const float *, float *, int, void **);
    int (*all_gather_)(const double *, int, double *, void **);
    int (*broadcast_)(char *, int, void **);
    int (*send_)(const char *, int, int, void **);
    int (*receive_)(char *, int, int, void **);
    int (*test_)(void *, int *);
    int (*post_)(const char *, int, int);
    int (*poll_)(char *, int, int *);
    int (*finalize_)(void);
};

}  // namespace framecast
