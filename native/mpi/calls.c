// The calls of MPI that Framecast makes, as functions without MPI's types. Implementations of MPI differ in these, and
// have no common binary interface, so this file is compiled with the mpicc of the machine that it runs on, when it is
// first needed. mpi_library.h loads it.
//
// Every function returns an error of MPI, 0 if there is none, but framecast_mpi_poll. There are three communicators:
// sums of gradients, all other collective calls, and messages between single processes, so that one thread for each may
// call at any time without disturbing the order of the others.
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE = 1, DATA = 2 };

static MPI_Comm sums, calls, messages;

// A message that is being sent.
struct posted {
    MPI_Request request;
    struct posted *next;
    char bytes[];
};
static struct posted *posted;

// `threads`: whether several threads may call at the same time.
int framecast_mpi_init(int *rank, int *size, int *local_rank, int *local_size, int *threads) {
    int provided = MPI_THREAD_SINGLE;
    int error = MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &provided);
    if (error) return error;
    *threads = provided == MPI_THREAD_MULTIPLE;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm *own[] = {&sums, &calls, &messages};
    for (int k = 0; k < 3; k++) {
        error = MPI_Comm_dup(MPI_COMM_WORLD, own[k]);
        if (error) return error;
        MPI_Comm_set_errhandler(*own[k], MPI_ERRORS_RETURN);
    }
    MPI_Comm_rank(calls, rank);
    MPI_Comm_size(calls, size);
    MPI_Comm machine;
    error = MPI_Comm_split_type(calls, MPI_COMM_TYPE_SHARED, *rank, MPI_INFO_NULL, &machine);
    if (error) return error;
    MPI_Comm_rank(machine, local_rank);
    MPI_Comm_size(machine, local_size);
    return MPI_Comm_free(&machine);
}

// The implementation and its version, a line.
int framecast_mpi_version(char *text, int capacity) {
    char all[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    const int error = MPI_Get_library_version(all, &length);
    length = (int)strcspn(all, ",\n");
    if (length >= capacity) length = capacity - 1;
    memcpy(text, all, length);
    text[length] = 0;
    return error;
}

// What an error means.
void framecast_mpi_error(int error, char *text, int capacity) {
    char all[MPI_MAX_ERROR_STRING];
    int length = 0;
    if (MPI_Error_string(error, all, &length)) length = 0;
    if (length >= capacity) length = capacity - 1;
    memcpy(text, all, length);
    text[length] = 0;
}

// The calls that follow only start: framecast_mpi_test tells when they are done, and then frees the request.
static int started(int error, MPI_Request value, void **request) {
    if (error) return error;
    MPI_Request *kept = malloc(sizeof *kept);
    if (!kept) return MPI_ERR_NO_MEM;
    *kept = value;
    *request = kept;
    return 0;
}

int framecast_mpi_all_reduce(const float *values, float *sum, int count, void **request) {
    MPI_Request value;
    const int error = MPI_Iallreduce(values, sum, count, MPI_FLOAT, MPI_SUM, sums, &value);
    return started(error, value, request);
}

int framecast_mpi_all_gather(const double *values, int count, double *all, void **request) {
    MPI_Request value;
    const int error = MPI_Iallgather(values, count, MPI_DOUBLE, all, count, MPI_DOUBLE, calls, &value);
    return started(error, value, request);
}

int framecast_mpi_broadcast(char *bytes, int count, void **request) {
    MPI_Request value;
    const int error = MPI_Ibcast(bytes, count, MPI_BYTE, 0, calls, &value);
    return started(error, value, request);
}

int framecast_mpi_send(const char *bytes, int count, int to, void **request) {
    MPI_Request value;
    const int error = MPI_Isend(bytes, count, MPI_BYTE, to, DATA, calls, &value);
    return started(error, value, request);
}

int framecast_mpi_receive(char *bytes, int count, int from, void **request) {
    MPI_Request value;
    const int error = MPI_Irecv(bytes, count, MPI_BYTE, from, DATA, calls, &value);
    return started(error, value, request);
}

int framecast_mpi_test(void *request, int *done) {
    const int error = MPI_Test(request, done, MPI_STATUS_IGNORE);
    if (*done || error) free(request);
    return error;
}

// Sends a copy of a message, without waiting for it to arrive. For one thread, as framecast_mpi_poll is.
int framecast_mpi_post(const char *bytes, int count, int to) {
    for (struct posted **link = &posted; *link;) {
        int done = 0;
        MPI_Test(&(*link)->request, &done, MPI_STATUS_IGNORE);
        if (done) {
            struct posted *sent = *link;
            *link = sent->next;
            free(sent);
        } else {
            link = &(*link)->next;
        }
    }
    struct posted *message = malloc(sizeof *message + count);
    if (!message) return MPI_ERR_NO_MEM;
    memcpy(message->bytes, bytes, count);
    const int error = MPI_Isend(message->bytes, count, MPI_BYTE, to, MESSAGE, messages, &message->request);
    if (error) {
        free(message);
        return error;
    }
    message->next = posted;
    posted = message;
    return 0;
}

// Receives a message of framecast_mpi_post, if there is one, cut to the capacity. Returns its length, else -1.
int framecast_mpi_poll(char *bytes, int capacity, int *from) {
    int there = 0, count = 0;
    MPI_Status status;
    if (MPI_Iprobe(MPI_ANY_SOURCE, MESSAGE, messages, &there, &status) || !there) return -1;
    MPI_Get_count(&status, MPI_BYTE, &count);
    char *all = malloc(count + 1);
    if (!all) return -1;
    const int error = MPI_Recv(all, count, MPI_BYTE, status.MPI_SOURCE, MESSAGE, messages, MPI_STATUS_IGNORE);
    if (count > capacity) count = capacity;
    memcpy(bytes, all, count);
    free(all);
    *from = status.MPI_SOURCE;
    return error ? -1 : count;
}

// After all processes have done all that they started.
int framecast_mpi_finalize(void) { return MPI_Finalize(); }
