#ifndef C_RESOURCES_H
#define C_RESOURCES_H

#include <stddef.h>

/// The bytes of a file that was compiled in. They are there as long as the process.
typedef struct {
    const unsigned char *bytes;
    size_t count;
} c_resource;

/// Each is the file of that name next to `CResources.c`.
c_resource c_resources_cloud_regions(void);
c_resource c_resources_openapi(void);
c_resource c_resources_prices(void);

#endif
