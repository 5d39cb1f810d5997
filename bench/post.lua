-- Mixed JSON and text of about 100 characters, four tenants; every answer but 202 is counted.
local n = 0
local text = "2026-11-23T14:46:34Z INFO checkout user 555-0199 paid order 48213 from 10.0.0.1 in 35 ms, all is well"

request = function()
   n = n + 1
   local tenant = "tenant-" .. (n % 4)
   if n % 2 == 0 then
      local body = '{"tenant_id":"' .. tenant .. '","text":"' .. text .. " " .. n .. '"}'
      return wrk.format("POST", "/ingest", {["Content-Type"] = "application/json"}, body)
   end
   local headers = {["Content-Type"] = "text/plain", ["X-Tenant-ID"] = tenant}
   return wrk.format("POST", "/ingest", headers, text .. " " .. n)
end

local threads = {}
function setup(thread) table.insert(threads, thread) end

bad = 0
function response(status) if status ~= 202 then bad = bad + 1 end end

done = function(summary, latency)
   local refused = 0
   for _, thread in ipairs(threads) do refused = refused + thread:get("bad") end
   local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
   io.write(string.format(
      '{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "not_202": %d, "errors": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
      latency:percentile(99) / 1e3, refused, errors))
end
