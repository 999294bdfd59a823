#include "CResources.h"

// Of C23. Clang has it in all versions of C, and says so each time.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char cloud_regions[] = {
#embed "cloud-regions.bin"
};

static const unsigned char openapi[] = {
#embed "openapi.yaml"
};

static const unsigned char prices[] = {
#embed "prices.json"
};

c_resource c_resources_cloud_regions(void) { return (c_resource){cloud_regions, sizeof cloud_regions}; }
c_resource c_resources_openapi(void) { return (c_resource){openapi, sizeof openapi}; }
c_resource c_resources_prices(void) { return (c_resource){prices, sizeof prices}; }
