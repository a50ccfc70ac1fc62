// What a bundler for browsers puts in the place of Node's modules for the older library, which has no build for browsers. With the
// SDK's own HTTP client it calls none of them but `join`; it only makes the agents while it is loaded.
class Agent {}

module.exports = {
  Agent,
  join: (...parts) => parts.join('/').replace(/\/{2,}/g, '/'),
};
