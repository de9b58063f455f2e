// An OpenID provider for the browser tests: oidc-provider with pages of our own, which take any password and fetch nothing.
// usage: node provider.mjs PORT PUBLIC_URL_OF_SEAWALL
import Provider from 'oidc-provider';

const [, , port, seawall] = process.argv;
const issuer = `http://127.0.0.1:${port}`;

// Who signs in as one of these names is in these groups; everybody else is in none.
const groups = { amal: ['seawall-desk'], ada: ['seawall-admins', 'chess'] };

const page = (form) => `<!doctype html><html lang="en"><title>Harbour Inc</title><link rel="icon" href="data:,"><main>${form}</main></html>`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'seawall',
      client_secret: 'only for the tests: + and % are encoded',
      redirect_uris: [`${seawall}/sign-in/callback`],
      post_logout_redirect_uris: [`${seawall}/sign-in`],
      backchannel_logout_uri: `${seawall}/sign-in/provider/logout`,
      backchannel_logout_session_required: true,
    },
  ],
  claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email'] },
  cookies: { keys: ['of the tests'] },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (context, form) => {
        context.body = page(`${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>`);
      },
      postLogoutSuccessSource: (context) => {
        context.body = page('<h1>Signed out</h1>');
      },
    },
  },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  // Its own way of asking refuses this machine, which is where Seawall listens here.
  fetch: (url, { dispatcher: _dispatcher, ...options }) => globalThis.fetch(url, options),
  pkce: { required: () => true },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      preferred_username: id,
      email: `${id}@example.org`,
      groups: groups[id] ?? [],
    }),
  }),
});

// Somebody signs in, and says once that Seawall may know who they are.
provider.use(async (context, next) => {
  if (!context.path.startsWith('/interaction/')) return next();
  const { prompt, params, session, grantId } = await provider.interactionDetails(context.req, context.res);
  if (context.method === 'GET') {
    const fields =
      prompt.name === 'login'
        ? '<label>Name <input name="login"></label><label>Password <input name="password" type="password"></label>'
        : '';
    context.body = page(`<form method="post">${fields}<button type="submit">Go on</button></form>`);
    return undefined;
  }
  let body = '';
  for await (const chunk of context.req) body += chunk;
  let result;
  if (prompt.name === 'login') {
    result = { login: { accountId: new URLSearchParams(body).get('login'), amr: ['pwd'] } };
  } else {
    const held = grantId ? await provider.Grant.find(grantId) : undefined;
    const grant = held ?? new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    if (prompt.details.missingOIDCScope) grant.addOIDCScope(prompt.details.missingOIDCScope.join(' '));
    if (prompt.details.missingOIDCClaims) grant.addOIDCClaims(prompt.details.missingOIDCClaims);
    result = { consent: { grantId: await grant.save() } };
  }
  const back = await provider.interactionResult(context.req, context.res, result, { mergeWithLastSubmission: true });
  context.status = 303;
  context.redirect(back);
  return undefined;
});

provider.on('server_error', (_context, error) => console.error(error));
provider.on('backchannel.error', (_context, error) => console.error('back-channel logout failed', error));
provider.on('grant.error', (_context, error) => console.error(error));
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
