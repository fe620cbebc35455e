'use strict';
/*
 * What a microservice needs: a client for the payment service, a blocklist that follows its events,
 * and a request handler that uses both. Copy what you need. Run as it is, it plays one request that
 * works out and one that fails and is refunded:
 *
 *   PAYMENT_SERVICE_API_KEY=sk_… node QUICK_START_EXAMPLE.js [userId]
 */
const crypto = require('node:crypto');
const amqp = require('amqplib');
const axios = require('axios');

const EXCHANGE = 'payment.events';
const STOP = 'service.stop_user';
const CONTROL = [STOP, 'service.resume_user'];
const ATTEMPTS = 3;
const MAX_SEEN = 10_000;

class BadConfiguration extends Error {}

/** The configuration from the environment; names what is missing. */
function readConfig(needed) {
  const config = {
    url: process.env.PAYMENT_SERVICE_URL || 'http://localhost:3001/api/v1',
    apiKey: process.env.PAYMENT_SERVICE_API_KEY,
    service: process.env.SERVICE_NAME || 'paraphrase_service',
    rabbitmqUrl: process.env.RABBITMQ_URL,
  };
  const names = { apiKey: 'PAYMENT_SERVICE_API_KEY', rabbitmqUrl: 'RABBITMQ_URL' };
  const missing = needed.filter((field) => !config[field]).map((field) => names[field]);
  if (missing.length > 0) throw new BadConfiguration(`Set ${missing.join(' and ')}.`);
  return config;
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Asks again where the answer got lost or the service was away for a moment. That is safe for
 * writes, since each carries a requestId: the second time it answers what it answered the first.
 */
async function ask(call) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await call()).data;
    } catch (error) {
      const status = error.response?.status;
      if (attempt < ATTEMPTS && (status === undefined || status === 503)) {
        await pause(200 * 2 ** attempt);
        continue;
      }
      // Not the error itself: it holds the request, and with it the API key.
      const body = error.response?.data;
      const failure = new Error(body?.message || error.code || error.message);
      failure.status = status;
      failure.code = body?.error?.code;
      throw failure;
    }
  }
}

class PaymentClient {
  constructor({ url, apiKey, service }) {
    this.service = service;
    this.http = axios.create({
      baseURL: url,
      timeout: 10_000,
      headers: { Authorization: `ApiKey ${apiKey}` },
    });
  }

  balance(userId) {
    return ask(() => this.http.get(`/balance/${encodeURIComponent(userId)}`));
  }

  validateAccess(userId) {
    const path = `/subscriptions/${encodeURIComponent(userId)}/validate-access`;
    return ask(() => this.http.get(path));
  }

  /** One requestId for one piece of work, however often it is tried. */
  deduct(userId, amount, feature, requestId = crypto.randomUUID()) {
    const body = { userId, amount, service: this.service, feature, requestId };
    return ask(() => this.http.post('/deduct', body));
  }

  reverse(transactionId, reason, requestId = crypto.randomUUID()) {
    const body = { transactionId, reason, requestId };
    return ask(() => this.http.post('/reverse', body));
  }

  /** Everybody who is stopped for this service now. */
  async blocklist() {
    const users = [];
    let cursor;
    do {
      const page = await ask(() => this.http.get('/blocklist', { params: { cursor } }));
      users.push(...page.users);
      cursor = page.next;
    } while (cursor);
    return users;
  }
}

/**
 * Who is stopped. Events may come twice, and a stop and its resume come through two queues, in any
 * order: so each id counts once, and of one user only what has a higher sequence than the last.
 *
 * A service that restarts keeps `users` where it keeps its other data, or reads the blocklist again
 * now and then: an old stop may still wait in its queue when the resume is long gone.
 */
class Blocklist {
  constructor(service) {
    this.service = service;
    this.users = new Map();
    this.seen = new Set();
  }

  has(userId) {
    return this.users.get(userId)?.blocked === true;
  }

  load(users) {
    for (const { userId, causes, sequence } of users) {
      this.set(userId, sequence, true, causes);
    }
  }

  /** What became of the event: `blocked`, `resumed`, `seen before`, `out of date` or `not ours`. */
  apply(event) {
    if (!CONTROL.includes(event.type) || event.data.service !== this.service) return 'not ours';
    if (this.seen.has(event.id)) return 'seen before';
    this.seen.add(event.id);
    if (this.seen.size > MAX_SEEN) this.seen.delete(this.seen.values().next().value);
    const stops = event.type === STOP;
    const causes = stops ? event.data.causes : [];
    if (!this.set(event.subject, event.sequence, stops, causes)) return 'out of date';
    return stops ? 'blocked' : 'resumed';
  }

  set(userId, sequence, blocked, causes) {
    // Twenty digits with leading zeros, so that strings compare as the numbers do.
    if (sequence <= (this.users.get(userId)?.sequence ?? '')) return false;
    this.users.set(userId, { sequence, blocked, causes });
    return true;
  }
}

/**
 * Declares the queues of a service and hands each event of theirs to `onEvent(event, routingKey)`;
 * an event is acknowledged once that has returned. `bindings`: routing key by queue.
 */
async function consume(rabbitmqUrl, bindings, onEvent) {
  const connection = await amqp.connect(rabbitmqUrl);
  const channel = await connection.createChannel();
  await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
  await channel.prefetch(50);
  for (const [queue, routingKey] of Object.entries(bindings)) {
    await channel.assertQueue(queue, { durable: true });
    await channel.bindQueue(queue, EXCHANGE, routingKey);
  }
  const take = (message) => {
    if (message === null) {
      connection.emit('error', new Error('A queue was deleted.'));
      return;
    }
    try {
      onEvent(JSON.parse(message.content.toString()), message.fields.routingKey);
      channel.ack(message);
    } catch (error) {
      console.error(`A message cannot be handled, and goes to the dead letters: ${error.message}`);
      channel.nack(message, false, false);
    }
  };
  for (const queue of Object.keys(bindings)) await channel.consume(queue, take);
  return connection;
}

const controlQueues = (service) => ({
  [`${service}.stop_user`]: `service.${service}.stop_user`,
  [`${service}.resume_user`]: `service.${service}.resume_user`,
});

/** Where a URL leads, without the password in it. */
function shown(url) {
  return url.replace(/\/\/.*@/, '//***@');
}

/** Ends the process: 2 for a wrong configuration, 1 for anything else. */
function fail(error) {
  console.error(`✗ ${error.message || error.code || error}`);
  process.exit(error instanceof BadConfiguration ? 2 : 1);
}

/** Charge, work, and give back what the work did not deserve. */
async function handleRequest({ client, blocklist, userId, text, work }) {
  if (blocklist.has(userId)) return '403 Forbidden – Service suspended';
  const amount = Math.ceil(text.length / 100);
  const { balance } = await client.balance(userId);
  if (balance < amount) return `402 Payment Required – ${amount} credits needed, ${balance} left`;
  const paid = await client.deduct(userId, amount, 'text_paraphrase');
  try {
    await work(text);
  } catch (error) {
    await client.reverse(paid.transactionId, error.message);
    return 'Processing failed, credits refunded.';
  }
  return `Credits Used: ${amount} | Remaining: ${paid.newBalance}`;
}

async function main() {
  const config = readConfig(['apiKey']);
  const userId = process.argv[2] || 'demo_user';
  const client = new PaymentClient(config);
  const blocklist = new Blocklist(config.service);
  let connection;
  if (config.rabbitmqUrl) {
    connection = await consume(config.rabbitmqUrl, controlQueues(config.service), (event) => {
      console.log(`${event.type} for ${event.subject}: ${blocklist.apply(event)}`);
    });
    // A real service connects again, and reads the blocklist again.
    connection.on('error', fail);
    console.log(`Listening at ${shown(config.rabbitmqUrl)}`);
  } else {
    console.log('RABBITMQ_URL is not set: events are not listened to.');
  }
  blocklist.load(await client.blocklist());

  const text = 'A text of nearly five hundred characters. '.repeat(11);
  const request = { client, blocklist, userId, text };
  const good = async () => 'paraphrased';
  const bad = async () => {
    throw new Error('The model is not available');
  };
  console.log(`Request 1 of ${userId}: ${await handleRequest({ ...request, work: good })}`);
  console.log(`Request 2 of ${userId}: ${await handleRequest({ ...request, work: bad })}`);
  await connection?.close();
}

module.exports = {
  EXCHANGE,
  BadConfiguration,
  Blocklist,
  PaymentClient,
  consume,
  controlQueues,
  fail,
  readConfig,
  shown,
};

if (require.main === module) main().catch(fail);
